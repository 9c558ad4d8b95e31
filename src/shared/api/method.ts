import type { z } from 'zod';

/** One method of the API: what it takes, checked at run time, and the type of what it gives. */
export interface Method<Input extends z.ZodType = z.ZodType, Output = unknown> {
  readonly input: Input;
  /** Only a type: nothing is stored here. */
  readonly output?: Output;
}

/** `method<Output>()(inputSchema)`: the output's type is named, the input's follows from its schema. */
export function method<Output>(): <Input extends z.ZodType>(input: Input) => Method<Input, Output> {
  return (input) => ({ input });
}

/** Methods by name. */
export type Contract = Readonly<Record<string, Method>>;

/** What a caller passes, and what a handler gets once defaults are filled in. */
export type InputOf<M extends Method> = z.input<M['input']>;
export type ParsedInputOf<M extends Method> = z.output<M['input']>;
export type OutputOf<M extends Method> = M extends Method<z.ZodType, infer Output> ? Output : never;
