/** The chart as Helm's template engine renders it, held against its own schema and what Kubernetes publishes of its objects. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SETTING_NAMES } from '../../src/config/index.ts'
import { ROOT } from '../docs/readme.ts'
import {
  buildRenderer,
  faultsOf,
  type KubeObject,
  lintDockerfile,
  schemaErrors,
  template,
  unknownMembers,
  type Values,
} from './chart.ts'
import { ALL, LEAST, SETS } from './values.ts'

let folder: string
let program: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-chart-'))
  program = await buildRenderer(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const render = (values: Values): Promise<KubeObject[]> => template(program, values)
const the = (objects: KubeObject[], kind: string, end = ''): KubeObject =>
  objects.find((object) => object.kind === kind && object.metadata.name.endsWith(end))!
const podOf = (object: KubeObject) => object.spec.template.spec

test.each(SETS)(
  'with %s values every object is one that Kubernetes knows, and no two have one name',
  async (_, values) => {
    expect(schemaErrors(values)).toEqual([])
    const objects = await render(values)
    expect((await Promise.all(objects.map(faultsOf))).flat()).toEqual([])
    expect(await unknownMembers(objects)).toEqual([])
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
  },
)

test('the checks find what is wrong', async () => {
  const [deployment] = (await render(LEAST)).filter(({ kind }) => kind === 'Deployment')
  expect(await faultsOf({ ...deployment!, spec: { ...deployment!.spec, replicas: 'two' } })).toHaveLength(1)
  expect((await unknownMembers([{ ...deployment!, spec: { ...deployment!.spec, replicsa: 2 } }])).join()).toContain(
    `'"replicsa"' does not exist`,
  )
})

test('values that are wrong are refused, and what is missing is named', async () => {
  expect(schemaErrors({ ...LEAST, replicas: 3 })).toEqual([' must NOT have additional properties'])
  expect(schemaErrors({ ...LEAST, worker: { autoscaling: { targetSeconds: '1m' } } })).toHaveLength(1)
  expect(schemaErrors({ ...LEAST, hub: { files: { 'causeway.yaml': '' }, volume: { emptyDir: {} } } })).not.toEqual([])
  for (const path of ['../causeway.yaml', '/etc/passwd', 'a/../b'])
    expect(schemaErrors({ ...LEAST, hub: { files: { [path]: '' } } }), path).not.toEqual([])
  await expect(render({})).rejects.toThrow('secret.name: the Secret with database-url, master-key and admin-token')
  await expect(render({ ...LEAST, serviceMonitor: { enabled: true } })).rejects.toThrow('metrics:read')
})

test.each(['serve', 'worker', 'migrate'])(
  '%s runs without rights, with a root that nobody writes to and all its secrets from the Secret',
  async (component) => {
    const objects = await render(ALL)
    const pod = podOf(the(objects, component === 'migrate' ? 'Job' : 'Deployment', `-${component}`))
    const [container] = pod.containers
    expect(container.args).toEqual([component])
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10001,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(pod.automountServiceAccountToken).toBe(false)
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    const given = new Map<string, KubeObject>(
      container.env.map((variable: { name: string }) => [variable.name, variable]),
    )
    for (const name of ['DATABASE_URL', 'MASTER_KEY', 'ADMIN_TOKEN']) {
      const { secretKeyRef } = given.get(`CAUSEWAY_${name}`)!.valueFrom
      expect(secretKeyRef.name).toBe('causeway')
      expect(secretKeyRef.optional).not.toBe(true)
    }
    expect(given.get('CAUSEWAY_PUBLIC_URL')).toMatchObject({ value: 'https://hub.example.com' })
    // Each variable of ours is a setting.
    for (const name of given.keys())
      if (name.startsWith('CAUSEWAY_')) expect(SETTING_NAMES).toContain(name.slice('CAUSEWAY_'.length).toLowerCase())
    expect(container.envFrom).toEqual([{ secretRef: { name: 'causeway-connections' } }])
    // What is mounted is a volume, and the files come out as they went in, under their paths.
    const volumes = new Map<string, KubeObject>(pod.volumes.map((volume: { name: string }) => [volume.name, volume]))
    for (const { name } of container.volumeMounts) expect(volumes.has(name), name).toBe(true)
    const { name, items } = volumes.get('hub')!.configMap
    const { data } = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)!
    const mounted = items.map(({ key, path }: { key: string; path: string }) => [path, data[key]])
    expect(Object.fromEntries(mounted)).toEqual((ALL.hub as { files: unknown }).files)
  },
)

test('selectors, services, budgets, policies and the autoscaler mean the pods they are for', async () => {
  const objects = await render(ALL)
  const labelsOf = (component: string) =>
    the(objects, component === 'migrate' ? 'Job' : 'Deployment', `-${component}`).spec.template.metadata.labels
  const selects = (selector: Record<string, string>, component: string): boolean =>
    Object.entries(selector).every(([name, value]) => labelsOf(component)[name] === value)
  for (const component of ['serve', 'worker']) {
    const other = component === 'serve' ? 'worker' : 'serve'
    const service = the(objects, 'Service', component === 'serve' ? '-causeway' : '-worker')
    const selectors = [
      the(objects, 'Deployment', `-${component}`).spec.selector.matchLabels,
      the(objects, 'PodDisruptionBudget', `-${component}`).spec.selector.matchLabels,
      the(objects, 'NetworkPolicy', `-${component}`).spec.podSelector.matchLabels,
      podOf(the(objects, 'Deployment', `-${component}`)).topologySpreadConstraints[0].labelSelector.matchLabels,
      service.spec.selector,
    ]
    for (const selector of selectors) {
      expect(selects(selector, component)).toBe(true)
      expect(selects(selector, other)).toBe(false)
      expect(selects(selector, 'migrate')).toBe(false)
    }
    const [{ ports, ...container }] = podOf(the(objects, 'Deployment', `-${component}`)).containers
    for (const probe of [
      container.startupProbe,
      container.livenessProbe,
      container.readinessProbe,
      service.spec.ports[0],
    ])
      expect(probe.httpGet?.port ?? probe.targetPort).toBe(ports[0].name)
    expect([container.livenessProbe.httpGet.path, container.readinessProbe.httpGet.path]).toEqual(['/livez', '/readyz'])
  }
  const egress = the(objects, 'NetworkPolicy', '-egress').spec.podSelector.matchLabels
  for (const component of ['serve', 'worker', 'migrate']) expect(selects(egress, component)).toBe(true)
  // The autoscaler decides alone how many workers there are.
  const { scaleTargetRef, metrics } = the(objects, 'HorizontalPodAutoscaler').spec
  const scaled = the(objects, scaleTargetRef.kind, '-worker')
  expect(scaled.metadata.name).toBe(scaleTargetRef.name)
  expect(scaled.spec.replicas).toBeUndefined()
  expect(metrics[0].external.metric.name).toBe('causeway_queue_oldest_age_seconds')
})

test('the ledger is migrated before pods of the new version start, with the files of the new version', async () => {
  const objects = await render(ALL)
  const hooks = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'])
  expect(hooks.map(({ kind }) => kind).sort()).toEqual(['ConfigMap', 'Job'])
  const weight = (kind: string) => Number(the(hooks, kind).metadata.annotations!['helm.sh/hook-weight'])
  expect(weight('ConfigMap')).toBeLessThan(weight('Job'))
  // What the hook names has to be there before the chart's own objects are.
  expect(podOf(the(hooks, 'Job')).serviceAccountName).toBeUndefined()
  expect(podOf(the(hooks, 'Job')).volumes.find(({ name }: { name: string }) => name === 'hub').configMap.name).toBe(
    the(hooks, 'ConfigMap').metadata.name,
  )
})

test('a linter finds nothing in the Dockerfile, and something where there is', async () => {
  expect(await lintDockerfile(join(ROOT, 'Dockerfile'))).toEqual([])
  const careless = join(folder, 'Dockerfile')
  await writeFile(careless, 'FROM node:latest\nRUN rm -rf $folder\n')
  const rules = (await lintDockerfile(careless)).map(({ code }) => code)
  // One of its own, and what shellcheck says.
  expect(rules).toEqual(expect.arrayContaining(['EF0003', 'SC2086']))
})

test('the chart is of the version of the package, and its image runs as its pods do', async () => {
  const chart = parse(await readFile(join(ROOT, 'deploy/chart/Chart.yaml'), 'utf8'))
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  expect(chart).toMatchObject({ version, appVersion: version })
  expect(await readFile(join(ROOT, 'Dockerfile'), 'utf8')).toContain('USER 10001:10001')
})
