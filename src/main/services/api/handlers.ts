import type { ApiMethod, ApiOutput, ApiParsedInput } from '../../../shared/api/contract.ts';

/** One handler for each method named; leaving one out does not compile. Inputs are checked and complete. */
export type Handlers<Name extends ApiMethod> = {
  readonly [Method in Name]: (input: ApiParsedInput<Method>) => ApiOutput<Method> | Promise<ApiOutput<Method>>;
};

/** The methods of one domain: those whose name starts with it. */
export type DomainMethods<Domain extends string> = Extract<ApiMethod, `${Domain}.${string}`>;
