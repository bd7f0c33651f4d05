/**
 * What an answer says, whoever said it: the terms in which recordings and replies are compared.
 *
 * @module
 */
import type { Loose } from './json.ts';

export interface SaidChoice {
  text: string;
  /** Name, and arguments as a JSON value. */
  calls: { readonly name: string; readonly arguments: unknown }[];
  finish: string | null;
}

/** Counts to be booked; a class that is absent is not checked. */
export interface CountedTokens {
  readonly input: number;
  /** Reasoning included. */
  readonly output: number;
  readonly cached?: number;
  readonly reasoning?: number;
  readonly audioInput?: number;
  readonly audioOutput?: number;
}

export type Expected =
  | {
      readonly type: 'answer';
      readonly choices: ReadonlyMap<number, SaidChoice>;
      /** Pieces that stand in the text in this order, where the whole text has a form of the gateway's own. */
      readonly pieces: readonly string[] | null;
      /** Null: the provider did not count, so the gateway must say that it estimated. */
      readonly tokens: CountedTokens | null;
      /** The model that answered, where it said. */
      readonly served: string | null;
      /** The whole reply, where it passes through unchanged. */
      readonly body: Loose | null;
    }
  /** An error before any content: a status of its own. */
  | {
      readonly type: 'refused';
      readonly status: number;
      readonly code: string;
      readonly tokens: CountedTokens | null;
    }
  /** An error after content: the stream breaks with an error event. */
  | { readonly type: 'broken'; readonly text: string };
