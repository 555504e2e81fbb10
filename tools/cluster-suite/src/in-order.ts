/** The order of the files: first what needs no suite, and `launch`, which installs it beside the last of those; last what disturbs everybody. */
import { basename } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const ORDER = ['api-server', 'admission', 'manifests', 'launch', 'admission-same', 'refusals', 'renewal', 'agent-key', 'end-of-a-pod', 'pods', 'volumes', 'workloads', 'metrics', 'rights', 'webhook', 'node', 'uninstall']

const placeOf = ({ moduleId }: TestSpecification): number => {
  const place = ORDER.indexOf(basename(moduleId, '.cluster.ts'))
  return place < 0 ? ORDER.length : place
}

export class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => placeOf(a) - placeOf(b) || (a.moduleId < b.moduleId ? -1 : 1))
  }
}
