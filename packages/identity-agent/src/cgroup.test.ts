import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { podOfCgroups, prefixesAround, prefixOf } from './cgroup.ts'

const UID = 'c15177d2-ad46-4710-b275-864804bf3902'
const UID_ = UID.replaceAll('-', '_')
const VICTIM = '4f14e5f4-0d7c-4c58-9c3a-2a7f6a1f0c11'
const VICTIM_ = VICTIM.replaceAll('-', '_')
const STATIC = '0123456789abcdef0123456789abcdef'
const ID = 'dee649c4eb31f5e7b0c6355eb6aa4f1214f455eb7ec72b005647d5595476d148'

const v2 = (path: string) => `0::${path}\n`
const hybrid = (path: string) =>
  `9:name=systemd:${path}\n8:pids:${path}\n3:cpuset:${path}\n2:cpu,cpuacct:${path}\n0::${path}\n`

test.each([
  ['cgroupfs, guaranteed', `/kubepods/pod${UID}/${ID}`],
  ['cgroupfs, burstable', `/kubepods/burstable/pod${UID}/${ID}`],
  ['cgroupfs, best effort', `/kubepods/besteffort/pod${UID}/${ID}`],
  ['cgroupfs with cri-o', `/kubepods/burstable/pod${UID}/crio-${ID}`],
  ['cgroupfs with a container that delegates', `/kubepods/burstable/pod${UID}/${ID}/init.scope`],
  ['systemd and containerd, guaranteed', `/kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`],
  [
    'systemd and containerd, burstable',
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
  ],
  [
    'systemd and cri-o with a child',
    `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/crio-${ID}.scope/container`,
  ],
  ['systemd and cri-o conmon', `/kubepods.slice/kubepods-pod${UID_}.slice/crio-conmon-${ID}.scope`],
  ['systemd and docker', `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/docker-${ID}.scope`],
  [
    'containerd with systemd paths on v1',
    `/system.slice/containerd.service/kubepods-besteffort-pod${UID_}.slice:cri-containerd:${ID}`,
  ],
  [
    'a kubelet with a cgroup root',
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UID_}.slice/x`,
  ],
  ['a private cgroup namespace, same class', `/../../pod${UID}/${ID}`],
  ['a private cgroup namespace, other class', `/../../../burstable/pod${UID}/${ID}`],
  ['a private cgroup namespace with systemd', `/../../kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`],
  ['a private cgroup namespace that shows the root', `/../../../../kubepods/besteffort/pod${UID}/${ID}`],
])('%s', (_name, path) => {
  expect(podOfCgroups(v2(path))).toEqual({ uid: UID })
  expect(podOfCgroups(hybrid(path))).toEqual({ uid: UID })
})

/** As a kubelet 1.37 with containerd 2.4 and runc 1.5 wrote them (cgroup v1 beside v2), read by an agent in a pod with `hostPID`. */
const RECORDED: readonly (readonly [string, string, string])[] = [
  ['a container', 'besteffort/podcdddcd79-3c1e-4cc6-9822-4d25390a32ca', 'dff9525872e27639944c0143d3b5c413ffae38557dcf60c30c989cf4f107856b'],
  ['the same pod: a container that was restarted', 'besteffort/podcdddcd79-3c1e-4cc6-9822-4d25390a32ca', 'd21b03c5f262e7171fd35ad516d277f3579bd3e66f94438f5f88396fddd379f3'],
  ['the same pod: what kubectl debug added', 'besteffort/podcdddcd79-3c1e-4cc6-9822-4d25390a32ca', '86c0be2ca5c612abcfafdeb0edc2901def34fa416d35910a9d53295ec13b2558'],
  ['the same pod: kubectl debug with a target', 'besteffort/podcdddcd79-3c1e-4cc6-9822-4d25390a32ca', '91ce554c04a4c9b1121c620a1566d14fe6808a8477ad0c538c826a2e34486a03'],
  ['the same pod: its sandbox', 'besteffort/podcdddcd79-3c1e-4cc6-9822-4d25390a32ca', '93fe664bbb36370d162f9e90fcc5ff5f61349521094f736559fab93e890679ac'],
  ['a pod in a user namespace', 'burstable/pod4c1c88f8-fa7a-41b1-a14d-54bc48759326', '679c150e95e80208979150fbcbbffb83b338ba1946fd45870da7b8328c47da0e'],
  ['a privileged pod with hostPID and hostNetwork, guaranteed', 'pod7080f884-c75e-401f-82b1-936d648c68ec', '36bb3ef7d7d4afb69f9206f0dbec371a15bd7f5be7af54b3dfcebdab07e5ec53'],
  ['an agent without a capability', 'besteffort/pod06b2d502-408e-43b1-9cd8-a8825f0fc475', '6c30103e1231b9d2fac1fc41f2dbca2916b8af4d25299130951bb23ddb82b5e1'],
]
const CONTROLLERS = ['9:name=systemd', '8:pids', '7:blkio', '6:freezer', '5:devices', '4:memory', '3:cpuset', '2:cpuacct', '1:cpu', '0:']

test.each(RECORDED)('recorded on a real node, %s', (_what, pod, container) => {
  const text = CONTROLLERS.map((controller) => `${controller}:/kubepods/${pod}/${container}\n`).join('')
  expect(podOfCgroups(text)).toEqual({ uid: pod.split('/pod').at(-1)?.replace(/^pod/, '') })
  expect(prefixesAround(text)).toEqual(CONTROLLERS.map(() => []))
})

test('recorded on a real node, the first process of the host: in no pod, though one hierarchy is delegated', () => {
  expect(podOfCgroups('9:name=systemd:/\n4:memory:/process_api/1fa9904b0aca1a6937b69b782ff60f2b\n1:cpu:/\n0::/\n').uid).toBeUndefined()
})

const NESTED: readonly (readonly [string, string, string])[] = [
  ['cgroupfs', `/docker/${ID}/kubelet`, `kubepods/burstable/pod${UID}/${ID}`],
  ['cgroupfs, guaranteed', `/docker/${ID}`, `kubepods/pod${UID}/${ID}`],
  ['systemd', `/system.slice/docker-${ID}.scope`, `kubepods.slice/kubepods-pod${UID_}.slice/cri-containerd-${ID}.scope`],
  [
    'systemd and a cgroup root',
    `/docker/${ID}`,
    `kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod${UID_}.slice/x`,
  ],
  ['the older form, in another runtime', '/system.slice/k3s.service', `kubepods-besteffort-pod${UID_}.slice:cri-containerd:${ID}`],
]

test.each(NESTED)('a kubelet inside a container, %s: only behind the prefix that is known for it', (_name, prefix, rest) => {
  const text = v2(`${prefix}/${rest}`)
  expect(podOfCgroups(text)).toEqual({ uid: undefined, why: 'not-under-kubepods' })
  expect(podOfCgroups(text, [prefixOf(prefix)])).toEqual({ uid: UID })
  expect(podOfCgroups(v2(`/x${prefix}/${rest}`), [prefixOf(prefix)]).uid).toBeUndefined()
  expect(podOfCgroups(v2(`${prefix}/x/${rest}`), [prefixOf(prefix)]).uid).toBeUndefined()
})

test.each(NESTED)("an agent in a pod learns the prefix from its own cgroups, %s", (_name, prefix, rest) => {
  expect(prefixesAround(v2(`${prefix}/${rest}`))).toEqual([prefixOf(prefix)])
})

test.each([
  ['at the top', v2(`/kubepods/burstable/pod${UID}/${ID}`), [[]]],
  ['at the top with a cgroup root', v2(`/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${UID_}.slice/x`), [[]]],
  ['on the host', v2('/system.slice/agent.service'), []],
  ['in a namespace of its own', v2('/'), []],
  ['below a kubepods that holds no pod', v2('/system.slice/kubepods/agent'), []],
])('an agent %s learns what there is to learn', (_name, text, expected) => {
  expect(prefixesAround(text)).toEqual(expected)
})

test.each([
  ['a service', `/system.slice/x.service/kubepods.slice/kubepods-pod${VICTIM_}.slice/x`],
  ['a service, plain', `/system.slice/x.service/kubepods/besteffort/pod${VICTIM}/x`],
  ['a container of another runtime', `/docker/${ID}/kubepods/burstable/pod${VICTIM}/x`],
  ['a machine', `/machine.slice/libpod-${ID}.scope/kubepods.slice/kubepods-pod${VICTIM_}.slice`],
  ['a container of lxc', `/lxc/tenant/kubepods-besteffort-pod${VICTIM_}.slice:cri-containerd:${ID}`],
  ['a service, from a private namespace', `/../../../../system.slice/x.service/kubepods/pod${VICTIM}/x`],
  ['a slice out of its place', `/kubelet-kubepods.slice/kubelet-kubepods-pod${VICTIM_}.slice/x`],
])('what %s to whom a cgroup was delegated makes in it is no pod (T05)', (_name, path) => {
  expect(podOfCgroups(v2(path))).toEqual({ uid: undefined, why: 'not-under-kubepods' })
})

test.each([
  ['cgroupfs', `/kubepods/burstable/pod${STATIC}/${ID}`],
  ['systemd', `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${STATIC}.slice/crio-${ID}.scope`],
])('a static pod has 32 hexadecimal digits under %s', (_name, path) => {
  expect(podOfCgroups(v2(path))).toEqual({ uid: STATIC })
})

test('hierarchies that do not place the process do not matter', () => {
  expect(podOfCgroups(`12:misc:/\n1:name=systemd:/kubepods/pod${UID}/${ID}\n0::/\n`)).toEqual({ uid: UID })
})

test.each([
  ['nothing at all', '', 'no-pod'],
  ['only roots', '1:cpu:/\n0::/\n', 'no-pod'],
  ['a login session', v2('/user.slice/user-0.slice/session-1.scope'), 'no-pod'],
  ['a service of the host', v2('/system.slice/sshd.service'), 'no-pod'],
  ['the root of kubepods itself', v2('/kubepods/burstable'), 'no-pod'],
  ['only parents of the own namespace', v2('/../..'), 'no-pod'],
  ['not lines of cgroups', 'hello\n', 'unreadable'],
  ['a path that is not absolute', '0::kubepods\n', 'unreadable'],
  ['a number that is none', `x::/kubepods/pod${UID}/${ID}\n`, 'unreadable'],
  ['a file without end', `0::/${'a'.repeat(70_000)}\n`, 'unreadable'],
  ['a hierarchy outside the pod', `1:cpu:/system.slice/x\n0::/kubepods/pod${UID}/${ID}\n`, 'no-pod'],
  ['two pods', `1:cpu:/kubepods/pod${UID}/a\n0::/kubepods/pod${VICTIM}/a\n`, 'pods-disagree'],
])('%s is no pod', (_name, text, why) => {
  expect(podOfCgroups(text)).toEqual({ uid: undefined, why })
})

test.each([
  ['below its own container', `/kubepods/pod${UID}/${ID}/pod${VICTIM}/x`],
  ['with a whole tree below its own', `/kubepods/pod${UID}/${ID}/kubepods/besteffort/pod${VICTIM}/x`],
  ['with a slice below its own', `/kubepods/pod${UID}/${ID}/kubepods.slice/kubepods-pod${VICTIM_}.slice/x`],
  ['in the older form', `/kubepods/pod${UID}/${ID}/kubepods-besteffort-pod${VICTIM_}.slice:cri-containerd:${ID}`],
  ['as seen from a private namespace', `/../../pod${UID}/${ID}/kubepods/pod${VICTIM}/x`],
  ['with its own name again', `/kubepods/pod${UID}/${ID}/kubepods/pod${UID}/x`],
  ['beside an odd spelling of its own', `/kubepods/podC15177D2-AD46-4710/${ID}/kubepods/pod${VICTIM}/x`],
  ['in the cgroups of an ordinary user', `/user.slice/user-1000.slice/user@1000.service/kubepods/pod${VICTIM}/x`],
  ['in an older form of an ordinary user', `/user.slice/kubepods-pod${VICTIM_}.slice:cri-containerd:${ID}`],
  ['without a root of kubepods', `/system.slice/pod${VICTIM}/${ID}`],
  ['at the root of the hierarchy', `/pod${VICTIM}/${ID}`],
  ['behind a word before pod', `/kubepods/xpod${VICTIM}/${ID}`],
  ['with words behind the uid', `/kubepods/pod${VICTIM}x/${ID}`],
  ['in a removed cgroup', `/kubepods/pod${VICTIM} (deleted)`],
  ['a slice that is not under its own root', `/system.slice/kubepods-burstable-pod${VICTIM_}.slice/x`],
  ['a slice of another class', `/kubepods.slice/kubepods-besteffort.slice/kubepods-burstable-pod${VICTIM_}.slice/x`],
  ['a namespace view with something before the class', `/../x/pod${VICTIM}/${ID}`],
  ['parents further down', `/kubepods/pod${UID}/../pod${VICTIM}/x`],
])('a cgroup named like the victim never gives the victim: %s (T05)', (_name, path) => {
  expect(podOfCgroups(v2(path)).uid).toBeUndefined()
})

test('fuzz: whatever a workload creates below its own cgroup gives its own pod or none (T05)', () => {
  const nested = fc.array(
    fc.oneof(
      fc.constantFrom('kubepods', 'kubepods.slice', 'burstable', '..', `pod${VICTIM}`, `kubepods-pod${VICTIM_}.slice`),
      fc.constantFrom(`kubepods-pod${VICTIM_}.slice:cri-containerd:${ID}`, `pod${UID}`, 'pod', VICTIM),
      fc.string({ maxLength: 60 }).map((text) => text.replace(/[\n/]/g, '')),
    ),
    { maxLength: 6 },
  )
  const own = fc.constantFrom(
    `/kubepods/pod${UID}/${ID}`,
    `/../../pod${UID}/${ID}`,
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID_}.slice/cri-containerd-${ID}.scope`,
  )
  fc.assert(
    fc.property(own, nested, (base, names) => {
      expect([UID, undefined]).toContain(podOfCgroups(v2([base, ...names].join('/'))).uid)
    }),
    { numRuns: 2_000 },
  )
})

test('fuzz: any text has an answer', () => {
  const word = fc.constantFrom(':', '/', '..', '0', 'kubepods', `pod${UID}`, '.slice', ' (deleted)', '-')
  const line = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.array(word, { maxLength: 12 }).map((it) => it.join('')),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      expect(podOfCgroups(lines.join('\n'))).toHaveProperty('uid')
    }),
    { numRuns: 1_000 },
  )
})
