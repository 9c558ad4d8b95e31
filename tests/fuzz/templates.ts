import fc from 'fast-check';

/** Sources of chat templates: valid ones, nearly valid ones, and what loops or grows. */
export function templates(): fc.Arbitrary<string> {
  const name = fc.constantFrom('messages', 'message', 'loop', 'bos_token', 'x', 'ns', 'true', 'none', 'tools', 'range');
  const number = fc.oneof(fc.integer().map(String), fc.constantFrom('0', '-1', '99999', '1e9', '100000000', '0.5'));
  const string = fc.constantFrom(`'a'`, `"<|im_end|>"`, `''`, `'x' * 1000000`, `'%s'`, `'user'`);
  const { expression, statement } = fc.letrec<{ expression: string; statement: string }>((tie) => ({
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      name,
      number,
      string,
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom('+', '-', '*', '/', '%', '~', '==', '<', 'in', 'and', 'or', '**', '//'),
          tie('expression'),
        )
        .map((parts) => parts.join(' ')),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom('role', 'content', 'strip()', 'split(",")', 'items()', 'index0', 'constructor', '__proto__'),
        )
        .map((parts) => parts.join('.')),
      fc
        .tuple(
          tie('expression'),
          fc.constantFrom(
            'trim',
            'length',
            'tojson',
            'join',
            'upper',
            'list',
            'sort',
            'reverse',
            'first',
            'indent(99999)',
            'map(attribute="role")',
            'selectattr("role")',
            'default("x")',
            'replace("a", "bbbb")',
            'string',
            'int',
            'batch(1)',
          ),
        )
        .map((parts) => parts.join(' | ')),
      fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a}[${b}]`),
      fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(${a} if ${b})`),
      tie('expression').map((a) => `[${a}, ${a}]`),
      tie('expression').map((a) => `{'k': ${a}}`),
      fc
        .tuple(
          fc.constantFrom('range', 'raise_exception', 'namespace', 'strftime_now', 'm', 'dict', 'cycler'),
          tie('expression'),
        )
        .map(([f, a]) => `${f}(${a})`),
    ),
    statement: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      tie('expression').map((a) => `{{ ${a} }}`),
      tie('expression').map((a) => `{{- ${a} -}}`),
      fc.tuple(tie('expression'), tie('statement')).map(([a, body]) => `{% for x in ${a} %}${body}{% endfor %}`),
      fc
        .tuple(tie('expression'), tie('statement'), tie('statement'))
        .map(([a, yes, no]) => `{% if ${a} %}${yes}{% else %}${no}{% endif %}`),
      tie('expression').map((a) => `{% set x = ${a} %}`),
      fc
        .tuple(tie('statement'), tie('expression'))
        .map(([body, a]) => `{% macro m(x) %}${body}{{ m(x) }}{% endmacro %}{{ m(${a}) }}`),
      // What doubles with every turn.
      tie('statement').map(
        (body) => `{% set x = 'aa' %}{% for i in range(99) %}{% set x = x + x %}${body}{% endfor %}{{ x }}`,
      ),
      fc.tuple(tie('statement'), tie('statement')).map((parts) => parts.join('')),
      tie('statement').map((body) => `{# ${body}`),
    ),
  }));
  return fc.oneof(
    statement,
    fc.tuple(statement, statement, statement).map((parts) => parts.join('')),
    expression,
  );
}
