const UPPER = /[A-Z]/;
const LOWER = /[a-z]/;
const ASCII = /^[\0-\x7f]*$/;

/** Only A to Z change: other scripts fold differently in every engine. */
export function asciiLower(text: string): string {
  if (!UPPER.test(text)) return text;
  if (ASCII.test(text)) return text.toLowerCase();
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function asciiUpper(text: string): string {
  if (!LOWER.test(text)) return text;
  if (ASCII.test(text)) return text.toUpperCase();
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}
