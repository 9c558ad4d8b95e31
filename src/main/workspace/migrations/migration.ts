/** One step of the schema. A migration that was released is never changed again; a change is a new one. */
export interface Migration {
  /** The database's `user_version` after it; versions are 1, 2, 3, ... */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}
