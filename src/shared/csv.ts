/** A cell as RFC 4180 has it; what a spreadsheet would take for a formula is kept as text. */
export function csvCell(text: string): string {
  const safe = /^[=+@\t\r]|^-[^\d.]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
