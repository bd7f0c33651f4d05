/** How long an idle connection of a client is kept, as clients are told. */
export const KEEP_ALIVE_MS = 75_000;
