import { contract } from '../../../shared/api/contract.ts';
import type { ApiMethod } from '../../../shared/api/contract.ts';
import { UserError } from '../../../shared/errors.ts';
import { parseInput } from '../../../shared/parse.ts';
import { asSystemError } from '../../files/system-error.ts';
import { auditHandlers } from './audit-handlers.ts';
import { agreementHandlers } from './agreement-handlers.ts';
import { bundleHandlers } from './bundle-handlers.ts';
import { documentHandlers } from './document-handlers.ts';
import { evaluationHandlers } from './evaluation-handlers.ts';
import { extensionHandlers } from './extension-handlers.ts';
import type { Handlers } from './handlers.ts';
import { pairHandlers } from './pair-handlers.ts';
import { runHandlers } from './run-handlers.ts';
import type { Session } from './session.ts';
import { systemHandlers } from './system-handlers.ts';
import { workspaceHandlers } from './workspace-handlers.ts';

/** Calls a method of the contract by name with an unchecked input, as it arrives from a window. */
export type CallApi = (name: string, input: unknown) => Promise<unknown>;

function isMethod(name: string): name is ApiMethod {
  return Object.hasOwn(contract, name);
}

/**
 * The API over one session. Inputs are checked against the contract first; a call waits while the workspace is closed for
 * a moment.
 * @throws UserError('not_found') for an unknown method, ('invalid_input') naming the field, and those of the handlers
 */
export function createApi(session: Session): CallApi {
  const handlers: Handlers<ApiMethod> = {
    ...workspaceHandlers(session),
    ...documentHandlers(session),
    ...pairHandlers(session),
    ...auditHandlers(session),
    ...agreementHandlers(session),
    ...bundleHandlers(session),
    ...runHandlers(session),
    ...evaluationHandlers(session),
    ...extensionHandlers(session),
    ...systemHandlers(session),
  };
  return async (name, input) => {
    if (!isMethod(name)) throw new UserError('not_found', `There is no method "${name}".`);
    const parsed = parseInput(contract[name].input, input, name);
    // The name ties input and handler together; TypeScript cannot follow that through the union.
    const handler = handlers[name] as (value: unknown) => unknown;
    await session.present();
    try {
      return await handler(parsed);
    } catch (error) {
      throw asSystemError(error);
    }
  };
}
