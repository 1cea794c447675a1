/** Bounds that JSON Schema has and Zod has not: lengths in characters, and numbers of keys. */
import type * as z from "zod";
/** A string has at least so many characters, half pairs of UTF-16 counted once. */
export declare function minCharacters(minimum: number): z.core.CheckFn<string>;
/** A string has at most so many characters. */
export declare function maxCharacters(maximum: number): z.core.CheckFn<string>;
/** An object has at least so many keys. */
export declare function minKeys(minimum: number): z.core.CheckFn<object>;
/** An object has at most so many keys. */
export declare function maxKeys(maximum: number): z.core.CheckFn<object>;
