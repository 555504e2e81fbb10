import { setTimeout as timer } from 'node:timers/promises'

/** Waits for what other processes and sockets do; the time of the test is its deadline. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await timer(20)
}
