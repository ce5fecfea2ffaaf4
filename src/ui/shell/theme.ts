import {
  Anchor,
  type CSSVariablesResolver,
  createTheme,
  DEFAULT_THEME,
  Modal,
  Tooltip
} from '@mantine/core'

/** Filled with white on it, the eighth shade of each colour has the contrast that WCAG 2.2 AA asks for. */
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  luminanceThreshold: 0.22,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Code", Menlo, "Liberation Mono", monospace',
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.625rem', lineHeight: '1.3' },
      h2: { fontSize: '1.1875rem', lineHeight: '1.4' },
      h3: { fontSize: '1rem', lineHeight: '1.45' }
    }
  },
  components: {
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
    // In the middle of a text a link must not be known by its colour alone.
    Anchor: Anchor.extend({ defaultProps: { underline: 'always' } }),
    Tooltip: Tooltip.extend({ defaultProps: { withArrow: true, openDelay: 250 } })
  }
})

const colors = Object.keys(DEFAULT_THEME.colors).filter((name) => name !== 'dark')

/** Text on a light tint, dimmed text and placeholders, dark or light enough to be read by everyone. */
export const readableColors: CSSVariablesResolver = () => {
  const tints = (shade: number) =>
    colors.flatMap((name) => [
      [`--mantine-color-${name}-light-color`, `var(--mantine-color-${name}-${shade})`],
      [`--mantine-color-${name}-outline`, `var(--mantine-color-${name}-${shade})`],
      [`--mantine-color-${name}-text`, `var(--mantine-color-${name}-${shade})`]
    ])
  const paleTints = colors.flatMap((name) => [
    [`--mantine-color-${name}-light`, `var(--mantine-color-${name}-0)`],
    [`--mantine-color-${name}-light-hover`, `var(--mantine-color-${name}-1)`]
  ])
  // Mantine's own are loud beside the rest of a dark page.
  const deep = (name: string, percent: number) =>
    `color-mix(in srgb, var(--mantine-color-${name}-9) ${percent}%, var(--weft-card))`
  const deepTints = colors.flatMap((name) => [
    [`--mantine-color-${name}-light`, deep(name, 24)],
    [`--mantine-color-${name}-light-hover`, deep(name, 34)]
  ])
  return {
    variables: {},
    light: {
      ...Object.fromEntries(tints(9)),
      ...Object.fromEntries(paleTints),
      // Their darkest shades are too light to be read on their tints.
      '--mantine-color-yellow-light-color': '#7a4100',
      '--mantine-color-orange-light-color': '#8a2c06',
      '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
      '--mantine-color-placeholder': 'var(--mantine-color-gray-6)',
      '--mantine-color-anchor': 'var(--mantine-color-indigo-8)',
      '--mantine-color-error': 'var(--mantine-color-red-9)',
      '--weft-ground': 'var(--mantine-color-gray-0)',
      '--weft-card': 'var(--mantine-color-white)',
      '--weft-line': 'var(--mantine-color-gray-3)'
    },
    dark: {
      ...Object.fromEntries(tints(2)),
      ...Object.fromEntries(deepTints),
      '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
      '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
      '--mantine-color-anchor': 'var(--mantine-color-indigo-3)',
      '--mantine-color-error': 'var(--mantine-color-red-4)',
      '--weft-ground': 'var(--mantine-color-dark-8)',
      '--weft-card': 'var(--mantine-color-dark-7)',
      '--weft-line': 'var(--mantine-color-dark-5)'
    }
  }
}
