import { createTheme } from '@mantine/core'

export const theme = createTheme({
  primaryColor: 'indigo',
  // Shades on which white text reaches a contrast of 4.5.
  primaryShade: { light: 8, dark: 8 },
  colors: {
    // The greys of page.css: 0 text, 4 borders, 6 fields, 7 background.
    dark: [
      '#e6e9ef',
      '#c4cad6',
      '#a4adbd',
      '#7b8496',
      '#313846',
      '#262c37',
      '#14171d',
      '#1c2029',
      '#12151a',
      '#0d0f13',
    ],
  },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace',
})

/** The nonce of this answer; browsers hide it from selectors but give it to scripts that already run. */
export const styleNonce = (): string => document.querySelector<HTMLElement>('meta[property="csp-nonce"]')?.nonce ?? ''

// Dialogs lock scrolling through a library of its own, which looks for the nonce under webpack's name.
Object.assign(globalThis, { __webpack_nonce__: styleNonce() })
