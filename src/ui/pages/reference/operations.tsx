import { useComputedColorScheme } from '@mantine/core'
import '@fastify/swagger-ui/static/swagger-ui.css'
import './reference.css'
import SwaggerUI, { type Component, type OwnReact, type Tags } from '@fastify/swagger-ui/static/swagger-ui-bundle.js'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { t } from '../../texts/index.ts'
import { type ApiDocument, operationsWith } from './document.ts'
import { nameWhatIsDrawn } from './names.ts'

type Props = { document: ApiDocument; search: string }

/** The operations as Swagger UI shows them. Loaded when it is first looked at: it weighs more than all our pages. */
export default function Operations({ document: described, search }: Props): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const [shown, setShown] = useState<ReturnType<typeof SwaggerUI>>()
  useEffect(() => {
    // A node of its own, because Swagger UI cannot be told to leave one.
    const node = document.createElement('div')
    place.current?.append(node)
    const end = nameWhatIsDrawn(node)
    setShown(show(node, described))
    return () => {
      end()
      node.remove()
    }
  }, [described])
  useEffect(() => void shown?.layoutActions.updateFilter(search), [shown, search])
  useDarkMode()
  return <div ref={place} />
}

/**
 * Nothing can be sent from here: Swagger UI reads answers as doubles and would show other numbers than the hub sent. What its own
 * frame holds besides (title, servers, log-in, filter by tag) the page has, or has no use for.
 */
const show = (domNode: HTMLElement, described: ApiDocument): ReturnType<typeof SwaggerUI> =>
  SwaggerUI({
    domNode,
    spec: described,
    layout: 'OperationsOnly',
    plugins: [
      ({ React }) => ({
        components: { OperationsOnly: operationsOnly(React), DeepLink: linkless(React) },
        wrapComponents: {
          Select: labelled(React, t('reference.allowedValues')),
          ExamplesSelect: labelled(React, t('reference.examples')),
        },
        fn: { opsFilter: (tags, phrase) => only(tags, operationsWith(described, phrase)) },
      }),
    ],
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: -1,
    supportedSubmitMethods: [],
    validatorUrl: null,
    // Its colours are too faint on their ground.
    syntaxHighlight: { activated: false },
  })

/** Made by the React that Swagger UI carries: elements of ours it would refuse. */
const operationsOnly =
  ({ createElement }: OwnReact): Component =>
  ({ getComponent }) =>
    createElement(
      'div',
      { className: 'swagger-ui' },
      createElement('h2', { className: 'visually-hidden' }, t('reference.operations')),
      createElement(getComponent('operations', true)),
    )

/** The name of an operation or tag stands in a button, where a link may not: only the button can be reached. */
const linkless =
  ({ createElement }: OwnReact): Component =>
  ({ text }) =>
    createElement('span', null, text)

/** A choice without a name of its own gets one that is read out. */
const labelled =
  ({ createElement }: OwnReact, name: string) =>
  (Original: Component): Component =>
  (props) =>
    createElement(
      'label',
      null,
      createElement('span', { className: 'visually-hidden' }, name),
      createElement(Original, props),
    )

const only = (tags: Tags, wanted: Set<string>): Tags =>
  tags
    .map((tag) =>
      tag.set(
        'operations',
        tag.get('operations').filter((entry) => wanted.has(`${entry.get('method')} ${entry.get('path')}`)),
      ),
    )
    .filter((tag) => tag.get('operations').size > 0)

/** Swagger UI looks for a class at the root. */
function useDarkMode(): void {
  const scheme = useComputedColorScheme('light')
  useEffect(() => {
    document.documentElement.classList.toggle('dark-mode', scheme === 'dark')
    return () => document.documentElement.classList.remove('dark-mode')
  }, [scheme])
}
