/** What we use of Swagger UI, which the package carries without types. */
declare module '@fastify/swagger-ui/static/swagger-ui-bundle.js' {
  /** Of Immutable.js: the operations of a tag, one `{method, path, operation}` each. */
  type Entry = { get(name: string): unknown }
  type Entries = { size: number; filter(keep: (entry: Entry) => boolean): Entries }
  type Tag = { get(name: 'operations'): Entries; set(name: 'operations', value: Entries): Tag }
  export type Tags = { map(change: (tag: Tag) => Tag): Tags; filter(keep: (tag: Tag) => boolean): Tags }

  type System = { layoutActions: { updateFilter(phrase: string): void } }
  type Props = { text?: string; getComponent(name: string, container?: boolean): Component }
  export type Component = (props: Props) => unknown
  export type OwnReact = { createElement(type: unknown, props?: object | null, ...children: unknown[]): unknown }
  type Plugin = (system: { React: OwnReact }) => {
    components: Record<string, Component>
    wrapComponents: Record<string, (original: Component) => Component>
    fn: { opsFilter(tags: Tags, phrase: string): Tags }
  }
  type Options = {
    domNode: HTMLElement
    spec: object
    layout: string
    plugins: Plugin[]
    deepLinking: boolean
    docExpansion: 'list' | 'none'
    defaultModelsExpandDepth: number
    supportedSubmitMethods: string[]
    validatorUrl: null
    syntaxHighlight: { activated: false }
  }
  const SwaggerUI: (options: Options) => System
  export default SwaggerUI
}
