/**
 * Which holds somebody works on in this process. It takes the place of a heartbeat: a dispatched hold never expires
 * while its call is known here, however long that takes, and one that nobody knows has lost its call.
 *
 * @module
 */

import { SlotTable } from '../../collections/slot-table.ts';

/** Whether a hold is being worked on by whoever is asked. */
export type InFlightSource = (holdId: string) => boolean;

export class InFlight {
  readonly #calls = new SlotTable<string>();
  readonly #sources: InFlightSource[] = [];

  /** Has others asked too: work that outlives its request, such as background jobs. */
  register(source: InFlightSource): void {
    this.#sources.push(source);
  }

  /** A call is about to reserve under this hold. @returns by what it is ended */
  begin(holdId: string): number {
    return this.#calls.add(holdId);
  }

  /** The call is over; what it left to be booked is somebody else's by now. */
  end(slot: number): void {
    this.#calls.take(slot);
  }

  has(holdId: string): boolean {
    return this.#calls.includes(holdId) || this.#sources.some((knows) => knows(holdId));
  }
}
