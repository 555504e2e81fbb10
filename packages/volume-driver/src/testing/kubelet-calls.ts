/**
 * What a kubelet says to the driver, as recorded from a real one (`node-interfaces.md` 1.3), under a root of the
 * test's.
 */
export const POD_UID = 'cdff1eb7-31ba-4953-8812-355016a7011b'

export const mountDirOf = (kubeletRoot: string, uid = POD_UID, volume = 'idv'): string =>
  `${kubeletRoot}/pods/${uid}/volumes/athenz.kubernetes.io~athenz-volume-driver/${volume}`

export const mountOptions = (other: Readonly<Record<string, string | undefined>> = {}): string =>
  JSON.stringify({
    custom: 'val',
    'kubernetes.io/fsType': '',
    'kubernetes.io/mounterArgs.FsGroup': '1234',
    'kubernetes.io/pod.name': 'flexpod',
    'kubernetes.io/pod.namespace': 'default',
    'kubernetes.io/pod.uid': POD_UID,
    'kubernetes.io/pvOrVolumeName': 'idv',
    'kubernetes.io/readwrite': 'ro',
    'kubernetes.io/secret/k1': 'djE=',
    'kubernetes.io/serviceAccount.name': 'wl',
    ...other,
  })
