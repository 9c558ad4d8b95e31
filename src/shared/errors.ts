/** What kind of thing went wrong; the command line maps each kind to an exit code. */
export type ErrorCode =
  | 'invalid_input' // a file, a flag or a value the user gave cannot be used
  | 'not_found' // something named does not exist
  | 'unsupported' // valid, but outside what Longhand does
  | 'conflict' // the workspace's state forbids it (newer version, other model, already running)
  | 'no_space' // the disk is full
  | 'no_memory' // the memory of the machine or of the card is not enough
  | 'unavailable' // a device or runtime is missing (CUDA asked for and not usable)
  | 'cancelled' // the user stopped it
  | 'internal'; // a defect of Longhand

/** Where the problem is, so that the sentence can name it. */
export interface ErrorPlace {
  readonly file?: string;
  readonly field?: string;
  readonly line?: number;
}

/**
 * An error meant for a person: `message` is one sentence that says what happened and names file and field,
 * `hint` one sentence that says what to do. Anything else that is thrown is a defect and is shown as `internal`.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly place: ErrorPlace;

  constructor(code: ErrorCode, message: string, options: { hint?: string; place?: ErrorPlace; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.place = options.place ?? {};
  }
}
