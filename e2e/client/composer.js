/** The question box: Enter sends, Shift+Enter breaks the line, Esc stops the answer that is coming. */

const MAX_HEIGHT_PX = 220;

export class Composer {
  #form;
  #message;
  #send;
  #stop;

  constructor(root, { onAsk, onStop }) {
    this.#form = root.querySelector("#composer");
    this.#message = root.querySelector("#message");
    this.#send = root.querySelector("#send");
    this.#stop = root.querySelector("#stop");
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(onAsk);
    });
    this.#message.addEventListener("keydown", (event) => {
      // An input method uses Enter to choose a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit(onAsk);
    });
    this.#message.addEventListener("input", () => this.#fit());
    this.#stop.addEventListener("click", () => {
      onStop();
      this.#message.focus();
    });
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#stop.hidden && !event.defaultPrevented) onStop();
    });
    this.setRunning(false);
  }

  /** While an answer comes the button stops it; a question may be typed, not sent. */
  setRunning(running) {
    const hadFocus = [this.#send, this.#stop].includes(document.activeElement);
    this.#stop.hidden = !running;
    this.#send.hidden = running;
    if (hadFocus) this.#message.focus();
  }

  focus() {
    this.#message.focus();
  }

  clear() {
    this.#message.value = "";
    this.#fit();
  }

  #submit(onAsk) {
    const question = this.#message.value.trim();
    if (!question || this.#send.hidden) return;
    this.clear();
    onAsk(question);
  }

  #fit() {
    this.#message.style.height = "auto";
    this.#message.style.height = `${Math.min(this.#message.scrollHeight, MAX_HEIGHT_PX)}px`;
  }
}
