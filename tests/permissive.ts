const permissive = ['MIT', 'ISC', 'Apache-2.0', 'BSD', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0', 'Zlib', 'CC0-1.0', 'Python-2.0', 'WTFPL', 'OFL-1.1']; // prettier-ignore

/** True where an SPDX expression of names, AND, OR and one level of brackets leaves a choice that is permissive. */
export function isPermissive(expression: string): boolean {
  const bare = expression.replaceAll(/[()]/g, '');
  return bare.split(' OR ').some((choice) => choice.split(' AND ').every((name) => permissive.includes(name)));
}
