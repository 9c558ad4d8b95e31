/**
 * Share of the outputs that occur in an answer, whatever their case, after control characters became line feeds:
 * lm-evaluation-harness' `string_match_all`, and its `string_match_part`, which is the same for one item.
 */
export function stringMatch(answer: string, outputs: readonly string[]): number {
  const cleaned = answer
    .trim()
    .replaceAll(/[\x00-\x1f]/g, '\n')
    .trim()
    .toLowerCase();
  return outputs.filter((output) => cleaned.includes(output.toLowerCase())).length / outputs.length;
}
