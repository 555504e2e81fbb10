/** A v1 Container and a v1 Volume, as far as the API server fills in or drops something (pkg/apis/core/v1/defaults.go). */
import { flag, list, map, number, object, pointer, quantity, type Shape, struct, text } from './shape.ts'

const FIELD_REF = object({ apiVersion: text('v1') })
const RESOURCE_REF = object({ containerName: text(), divisor: quantity('0') })
const KEY_REF = object({ name: text() })

const VARIABLE = object({
  value: text(),
  valueFrom: object({
    fieldRef: FIELD_REF,
    resourceFieldRef: RESOURCE_REF,
    configMapKeyRef: KEY_REF,
    secretKeyRef: KEY_REF,
    fileKeyRef: object({ optional: pointer(false) }),
  }),
})

const HANDLERS = {
  exec: object({ command: list() }),
  httpGet: object({ path: text('/'), scheme: text('HTTP'), host: text(), httpHeaders: list() }),
  tcpSocket: object({ host: text() }),
  grpc: object({ service: text() }),
}
const PROBE = object({
  ...HANDLERS,
  initialDelaySeconds: number(),
  timeoutSeconds: number(1),
  periodSeconds: number(10),
  successThreshold: number(1),
  failureThreshold: number(3),
})

export const CONTAINER: Shape = object({
  command: list(),
  args: list(),
  workingDir: text(),
  ports: list(object({ name: text(), protocol: text('TCP'), hostPort: number(), hostIP: text() })),
  envFrom: list(object({ prefix: text() })),
  env: list(VARIABLE, { key: 'name' }),
  resources: struct({ limits: map(quantity()), requests: map(quantity()), claims: list() }),
  resizePolicy: list(),
  volumeMounts: list(object({ readOnly: flag, subPath: text(), subPathExpr: text() }), { key: 'mountPath', anyOrder: true }),
  volumeDevices: list(),
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  lifecycle: struct({ postStart: object(HANDLERS), preStop: object(HANDLERS) }),
  terminationMessagePath: text('/dev/termination-log'),
  terminationMessagePolicy: text('File'),
  securityContext: struct({ capabilities: struct({ add: list(), drop: list() }) }),
  stdin: flag,
  stdinOnce: flag,
  tty: flag,
})

const FILE_MODE = pointer(0o644)
const DOWNWARD_ITEMS = list(object({ fieldRef: FIELD_REF, resourceFieldRef: RESOURCE_REF }))
const TOKEN = object({ audience: text(), expirationSeconds: pointer(3_600) })

/** The kind of a volume may stand before nothing: `emptyDir: {}` is not the same as none. */
export const VOLUME: Shape = object({
  emptyDir: object({ medium: text(), sizeLimit: quantity() }),
  hostPath: object({ type: pointer('') }),
  configMap: object({ name: text(), items: list(), defaultMode: FILE_MODE }),
  secret: object({ secretName: text(), items: list(), defaultMode: FILE_MODE }),
  downwardAPI: object({ items: DOWNWARD_ITEMS, defaultMode: FILE_MODE }),
  projected: object({
    sources: list(object({ serviceAccountToken: TOKEN, downwardAPI: object({ items: DOWNWARD_ITEMS }) })),
    defaultMode: FILE_MODE,
  }),
  flexVolume: object({ fsType: text(), readOnly: flag, options: map() }),
  csi: object({ volumeAttributes: map() }),
})
