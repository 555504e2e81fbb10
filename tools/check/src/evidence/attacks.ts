/** The attacks and faults that the suite must survive, and of those not shown yet why. */
export interface Attack {
  readonly what: string
  /** Why no test shows it yet. */
  readonly later?: string
}

const NOT_THERE = 'the part it attacks does not exist yet'

export const ATTACKS: Readonly<Record<`T${number}`, Attack>> = {
  T1: { what: 'the handle of another pod, on one’s own socket' },
  T2: { what: 'the plain hash of another pod’s mount path' },
  T3: { what: 'the peer exits and its process id is used again' },
  T4: { what: 'a connected descriptor is passed to another pod' },
  T5: { what: 'forged mountinfo, cgroups named like another pod’s' },
  T6: { what: 'a process of the host, in no pod' },
  T7: { what: 'a pod that has ended, or another of the same name' },
  T8: { what: 'a kernel or set-up that cannot say who is calling' },
  T9: { what: 'handles that are paths' },
  T10: { what: 'links, FIFOs and directories where files should be' },
  T11: { what: 'volumes of another owner or mode' },
  T12: { what: 'no space, read-only, I/O errors in the middle of a write' },
  T13: { what: 'a crash at every step of a write' },
  T14: { what: 'readers during rotations' },
  T15: { what: 'readers that are not root' },
  T16: { what: 'a wrong certificate from ZTS' },
  T17: { what: 'init twice, after a crash, after a reboot' },
  T18: { what: 'inits at the same time' },
  T19: { what: 'a refresh with a pair that is not the newest of this pod' },
  T20: { what: 'a document used again, at another replica, after a restart' },
  T21: { what: 'documents of every malformed kind' },
  T22: { what: 'a good document with wrong names' },
  T23: { what: 'callers of the JWT service that are no agent of that node, or no longer one' },
  T24: { what: 'the webhook is down' },
  T25: { what: 'admission twice, reordered, with other injectors' },
  T26: { what: 'hostile annotations and pods' },
  T27: { what: 'the webhook’s certificate changes under load' },
  T28: { what: 'ZTS, callback and API server away for hours' },
  T29: { what: 'the agent restarts during that' },
  T30: { what: 'a fleet of 5 000 agents comes back after that' },
  T31: { what: 'clocks that jump, skew and sleep' },
  T32: { what: 'roots and signing keys change' },
  T33: { what: 'ZTS answers late, slowly, twice, or something else' },
  T34: { what: 'the agent is upgraded while volumes are mounted' },
  T35: { what: 'kubelet restarts, repeated and half-done mounts' },
  T36: { what: 'driver or agent uninstalled while pods live' },
  T37: { what: 'a burst of pods' },
  T38: { what: 'one namespace floods the agent' },
  T39: { what: 'churn: nothing is left of pods that went' },
  T40: { what: 'a day of short certificates and random faults' },
  T41: { what: 'a Job with its refresher as native sidecar' },
  T42: { what: 'the NRI plugin is slow, crashes, is skipped', later: NOT_THERE },
  T43: { what: 'CSI without token, with wrong attributes', later: NOT_THERE },
  T44: { what: 'a million malformed inputs for each parser', later: 'properties run with hundreds of cases; the long run is a job of its own' },
  T45: { what: 'the Workload API’s own rules', later: NOT_THERE },
  T46: { what: 'logs and metrics are searched for secrets' },
  T47: { what: 'the transcript of issues is altered', later: NOT_THERE },
  T48: { what: 'a service key that is missing, rotated, or not replicated yet' },
}
