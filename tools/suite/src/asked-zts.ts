/** What ZTS was asked for. What the callback deletes there is not among it: it does so of earlier pods, in its own time. */
import type { ZtsCall } from '@pallas/zts/testing'
import type { World } from './world.ts'

/** Oldest first. */
export const askedOfZts = async ({ athenz }: Pick<World, 'athenz'>): Promise<readonly ZtsCall[]> =>
  (await athenz.calls()).filter(({ operation }) => operation !== 'delete')
