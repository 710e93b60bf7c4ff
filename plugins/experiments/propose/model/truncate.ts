/** Shortens what a program printed for a prompt: its beginning and its end tell most. */

const limit = 5100
const kept = 2500

export const truncated = (text: string, most = limit, part = kept): string =>
  text.length <= most
    ? text
    : `${text.slice(0, part)}\n ... [${text.length - 2 * part} characters left out] ... \n${text.slice(-part)}`
