/**
 * A form drawn from a JSON Schema, so that it offers what the mock's fault grammar offers today.
 * Knows what pydantic writes: $ref, nullable anyOf, oneOf and anyOf of several, objects, lists, enumerations, scalars.
 */

import { h } from "./dom.js";
import { icon } from "./icons.js";

const LONG_TEXT = /^(frame|text|body|data|with|bytes_as_text)$/;
const EVENT_NAME = /^(after|before|event|events|from|to|at|until)$/;

/** Dispatches `change` with every edit; `value` is what the form says now. */
export class SchemaForm extends EventTarget {
  #schema;
  #defs;
  #value = {};
  #suggestions = [];
  #ids = 0;

  constructor(schema) {
    super();
    this.#defs = schema.$defs ?? {};
    this.#schema = this.#plain(schema);
    this.offers = h("datalist", { id: "event-names" });
    this.composition = h("div", { class: "composition" });
    this.element = h("div", { class: "schema-form" }, this.offers, this.composition);
    this.#draw();
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    this.#value = structuredClone(value);
    this.#draw();
  }

  /** Names of events to offer where one is asked for; the preferred one is filled in. */
  suggest(names, preferred) {
    this.#suggestions = [preferred, ...names].filter(Boolean);
    this.offers.replaceChildren(...[...new Set(names)].map((value) => h("option", { value })));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #draw() {
    this.composition.replaceChildren(...this.#composed(this.#schema, this.#value, ""));
  }

  /** Draw again after a change of structure, and go on where `selector` leads. */
  #redraw(selector) {
    this.#draw();
    this.element.querySelector(selector)?.focus();
    this.#changed();
  }

  /** The given parts of an object, and buttons that add the others. */
  #composed(schema, holder, path) {
    const all = Object.entries(schema.properties);
    const given = all.filter(([name]) => name in holder);
    const absent = all.filter(([name]) => !(name in holder));
    const parts = given.map(([name, inner]) => this.#part(name, inner, holder, `${path}/${name}`));
    const nothing = h("p", { class: "fine-print", text: "No part yet: the answer leaves as recorded." });
    const add = (isPart) =>
      absent
        .filter(([, inner]) => isNamed(inner) === isPart)
        .map(([name, inner]) => this.#adder(schema, name, inner, holder, path));
    return [
      parts.length ? parts : nothing,
      adders("Add what happens", add(true)),
      adders("Add when it happens", add(false)),
    ]
      .flat()
      .filter(Boolean);
  }

  #adder(schema, name, inner, holder, path) {
    const add = () => {
      holder[name] = this.#starter(inner, name);
      // In the grammar's own order, which is the order of application.
      const given = Object.keys(schema.properties)
        .filter((each) => each in holder)
        .map((each) => [each, holder[each]]);
      for (const [each, value] of given) {
        delete holder[each];
        holder[each] = value;
      }
      this.#redraw(`[data-part="${CSS.escape(`${path}/${name}`)}"] :is(input, select, textarea)`);
    };
    return h(
      "button",
      { type: "button", class: "button small", title: this.#about(inner), onclick: add },
      icon("plus"),
      h("span", { text: name }),
    );
  }

  #part(name, schema, holder, path) {
    const remove = () => {
      delete holder[name];
      this.#redraw(".adders button");
    };
    return h(
      "fieldset",
      { class: "form-part", "data-part": path },
      h("legend", { text: name }),
      h(
        "button",
        {
          type: "button",
          class: "button quiet icon-only small remove",
          "aria-label": `Remove ${name}`,
          onclick: remove,
        },
        icon("trash"),
      ),
      h("p", { class: "fine-print", text: this.#about(schema) }),
      this.#control({ ...without(schema, "description"), description: "" }, name, holder, name, path, true),
    );
  }

  #about(schema) {
    return schema.description || this.#plain(without(schema, "description")).description || "";
  }

  /** A schema without references and without null. */
  #plain(schema) {
    if (schema.$ref) {
      const { $ref, ...others } = schema;
      return { ...this.#plain(this.#defs[$ref.split("/").at(-1)]), ...others };
    }
    if (schema.allOf?.length === 1) return { ...this.#plain(schema.allOf[0]), ...without(schema, "allOf") };
    const options = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== "null");
    if (options?.length === 1) return { ...this.#plain(options[0]), ...without(without(schema, "anyOf"), "oneOf") };
    return options ? { ...schema, options } : schema;
  }

  /** What changes `holder[key]`. */
  #control(schema, name, holder, key, path, isBare = false) {
    const plain = this.#plain(schema);
    if (plain.options) return this.#choice(plain, name, holder, key, path);
    if (plain.type === "array") return this.#list(plain, name, holder, key, path);
    if (plain.type !== "object" || !plain.properties)
      return this.#labelled(name, plain, this.#input(plain, name, holder, key));
    return this.#object(plain, holder[key], name, path, isBare);
  }

  #object(schema, value, name, path, isBare) {
    // A composition inside a composition is drawn as one, not as a form with every part there is.
    const isComposition = schema.title === this.#schema.title;
    const fields = isComposition ? this.#composed(schema, value, path) : this.#fields(schema, value, path);
    return isBare
      ? h("div", { class: "fields" }, fields)
      : h("fieldset", { class: "fields inner" }, h("legend", { text: name }), fields);
  }

  #fields({ properties, required }, value, path) {
    const told = Object.entries(properties).filter(([, { const: fixed }]) => fixed === undefined);
    return told.map(([name, schema]) => {
      const plain = this.#plain(schema);
      const inner = { ...schema, isRequired: required?.includes(name) };
      const isWhole = plain.type === "object" && plain.properties;
      return isWhole && !(name in value)
        ? this.#adder({ properties }, name, inner, value, path)
        : this.#control(inner, name, value, name, `${path}/${name}`);
    });
  }

  #choice({ options, isRequired }, name, holder, key, path) {
    const labels = options.map((option) => this.#nameOf(option));
    const current = options.findIndex((option) => this.#fits(option, holder[key]));
    const pick = h(
      "select",
      { "aria-label": `Form of ${name}` },
      isRequired ? null : h("option", { value: "-1", text: "not given" }),
      labels.map((text, index) => h("option", { value: index, text })),
    );
    pick.value = String(holder[key] === undefined ? (isRequired ? 0 : -1) : Math.max(0, current));
    pick.addEventListener("change", () => {
      if (pick.value === "-1") delete holder[key];
      else holder[key] = this.#starter(options[pick.value], name);
      this.#draw();
      this.#changed();
    });
    const chosen = options[pick.value];
    return h(
      "div",
      { class: "fields choice" },
      this.#labelled(name, {}, pick),
      chosen && holder[key] !== undefined ? this.#control(chosen, name, holder, key, path, true) : null,
    );
  }

  #list({ items, description }, name, holder, key, path) {
    const values = holder[key] ?? [];
    const redraw = () => {
      this.#draw();
      this.#changed();
    };
    const rows = values.map((_, index) => {
      const remove = () => {
        values.splice(index, 1);
        if (!values.length) delete holder[key];
        redraw();
      };
      const label = `${name} ${index + 1}`;
      return h(
        "div",
        { class: "list-item" },
        this.#control(items, label, values, index, `${path}/${index}`),
        h(
          "button",
          { type: "button", class: "button quiet icon-only small", "aria-label": `Remove ${label}`, onclick: remove },
          icon("close"),
        ),
      );
    });
    const add = () => {
      values.push(this.#starter(items, name));
      holder[key] = values;
      redraw();
    };
    return h(
      "fieldset",
      { class: "fields inner" },
      h("legend", { text: name }),
      description ? h("p", { class: "fine-print", text: description }) : null,
      rows,
      h(
        "button",
        { type: "button", class: "button small", onclick: add },
        icon("plus"),
        h("span", { text: `Add to ${name}` }),
      ),
    );
  }

  #labelled(name, { description, isRequired, type, examples }, input) {
    const id = `field-${++this.#ids}`;
    input.id = id;
    const words = h("label", {
      class: "field-name",
      for: id,
      text: `${name.replaceAll("_", " ")}${isRequired ? " *" : ""}`,
    });
    const hint = description ? h("span", { class: "fine-print", id: `${id}-hint`, text: description }) : null;
    if (hint) input.setAttribute("aria-describedby", hint.id);
    const offers = examples
      ? h(
          "datalist",
          { id: `${id}-offers` },
          examples.map((value) => h("option", { value })),
        )
      : null;
    if (offers) input.setAttribute("list", offers.id);
    return h("div", { class: type === "boolean" ? "field switch" : "field" }, words, input, hint, offers);
  }

  #input(schema, name, holder, key) {
    if (schema.enum) return this.#options(schema, holder, key);
    if (schema.type === "boolean") return this.#switch(schema, holder, key);
    if (schema.type === "number" || schema.type === "integer") return this.#number(schema, holder, key);
    if (schema.type === "string") return this.#text(schema, name, holder, key);
    return this.#json(holder, key);
  }

  #options(schema, holder, key) {
    const input = h(
      "select",
      {},
      schema.isRequired
        ? null
        : h("option", {
            value: "",
            text: schema.default === undefined || schema.default === null ? "not given" : `${schema.default} (default)`,
          }),
      schema.enum.map((value) => h("option", { value, text: value })),
    );
    input.value = holder[key] ?? "";
    input.addEventListener("change", () =>
      this.#set(holder, key, input.value === "" ? undefined : schema.enum.find((each) => String(each) === input.value)),
    );
    return input;
  }

  #switch(schema, holder, key) {
    const input = h("input", { type: "checkbox", checked: holder[key] ?? schema.default ?? false });
    input.addEventListener("change", () =>
      this.#set(holder, key, input.checked === (schema.default ?? false) ? undefined : input.checked),
    );
    return input;
  }

  #number(schema, holder, key) {
    const { minimum = schema.exclusiveMinimum, maximum = schema.exclusiveMaximum } = schema;
    const placeholder = schema.default === undefined || schema.default === null ? "" : String(schema.default);
    const input = h("input", {
      type: "number",
      step: schema.type === "integer" ? "1" : "any",
      min: minimum,
      max: maximum,
      placeholder,
      inputmode: "decimal",
      value: holder[key] ?? "",
    });
    input.addEventListener("input", () => this.#set(holder, key, input.value === "" ? undefined : Number(input.value)));
    return input;
  }

  #text(schema, name, holder, key) {
    const isLong = LONG_TEXT.test(name);
    const placeholder = schema.default === undefined || schema.default === null ? "" : String(schema.default);
    const offered = EVENT_NAME.test(name) ? "event-names" : null;
    const plain = { type: "text", autocomplete: "off", spellcheck: "false", placeholder, list: offered };
    const input = isLong ? h("textarea", { rows: 3, spellcheck: "false", placeholder }) : h("input", plain);
    input.value = holder[key] ?? "";
    input.addEventListener("input", () =>
      this.#set(holder, key, input.value === "" && !schema.isRequired ? undefined : input.value),
    );
    return input;
  }

  /** Whatever has no shape of its own is written as JSON. */
  #json(holder, key) {
    const input = h("textarea", { rows: 3, spellcheck: "false", class: "mono", placeholder: "JSON" });
    input.value = holder[key] === undefined ? "" : JSON.stringify(holder[key]);
    input.addEventListener("input", () => {
      const parsed = asJson(input.value);
      input.setCustomValidity(parsed.ok ? "" : "This is not JSON.");
      input.setAttribute("aria-invalid", String(!parsed.ok));
      if (parsed.ok) this.#set(holder, key, parsed.value);
    });
    return input;
  }

  #set(holder, key, value) {
    if (value === undefined) delete holder[key];
    else holder[key] = value;
    this.#changed();
  }

  /** Something to begin with: what is required filled in, or the first field when nothing is. */
  #starter(schema, name) {
    const plain = this.#plain(schema);
    if (plain.const !== undefined) return plain.const;
    if (plain.options) return this.#starter(plain.options[0], name);
    if (plain.enum) return plain.default ?? plain.enum[0];
    if (plain.type === "object" && plain.properties) return this.#startedObject(plain);
    if (plain.type === "array") return [this.#starter(plain.items, name)];
    if (plain.type === "boolean") return !(plain.default ?? false);
    if (plain.type === "number" || plain.type === "integer") return startNumber(plain, name);
    if (plain.type === "string") return plain.examples?.[0] ?? this.#startText(name);
    return {};
  }

  #startedObject({ properties, required = [] }) {
    const fixed = Object.keys(properties).filter((each) => properties[each].const !== undefined);
    const [first] = Object.keys(properties);
    const place = EVENT_NAME.test(first) ? [first] : [];
    const asked = [...new Set([...fixed, ...place, ...required])];
    const names = asked.length ? asked : [first];
    return Object.fromEntries(names.map((each) => [each, this.#starter(properties[each], each)]));
  }

  #startText(name) {
    if (EVENT_NAME.test(name)) return this.#suggestions[0] ?? "response.text.delta";
    return name === "frame" ? "event: response.hologram\ndata: {}\n\n" : "";
  }

  #nameOf(option) {
    const plain = this.#plain(option);
    return plain.title ?? plain.const ?? plain.type ?? "JSON";
  }

  #fits(option, value) {
    const plain = this.#plain(option);
    if (value === undefined) return false;
    if (plain.const !== undefined) return plain.const === value;
    if (plain.type === "array") return Array.isArray(value);
    if (plain.type === "integer") return Number.isInteger(value);
    if (plain.type !== "object") return typeof value === plain.type;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const known = plain.properties ?? null;
    return (
      known === null ||
      (Object.keys(value).every((each) => each in known) && (plain.required ?? []).every((each) => each in value))
    );
  }
}

function adders(label, buttons) {
  return buttons.length
    ? h(
        "div",
        { class: "adders", role: "group", "aria-label": label },
        h("p", { class: "field-name", text: label }),
        buttons,
      )
    : null;
}

/** Parts have models of their own; conditions are plain values. */
function isNamed(schema) {
  return Boolean(schema.$ref ?? schema.anyOf?.some(({ $ref }) => $ref));
}

function startNumber({ minimum, exclusiveMinimum, maximum, default: usual }, name) {
  if (name === "status") return 503;
  if (name.endsWith("ms")) return Math.min(1000, maximum ?? Infinity);
  if (typeof usual === "number" && usual > 0) return usual;
  return Math.max(minimum ?? 0, (exclusiveMinimum ?? 0) + 1, 1);
}

function without(schema, name) {
  const { [name]: _, ...others } = schema;
  return others;
}

export function asJson(text) {
  if (!text.trim()) return { ok: true, value: undefined };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, error };
  }
}
