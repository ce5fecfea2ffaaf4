/**
 * Owns: the start of the pages – nonce, theme, queries, router.
 * Touches: the document's root.
 * Never: knows a page; `routes.tsx` does.
 */
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './shell/shell.css'
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createQueryClient } from './api/queries.ts'
import { ConfirmProvider } from './parts/confirm.tsx'
import { createPages } from './routes.tsx'
import { nonce } from './shell/nonce.ts'
import { readableColors, theme } from './shell/theme.ts'

const queries = createQueryClient()
const pages = createPages(queries)

const root = document.getElementById('root')
if (root === null) throw new TypeError('index.html has a root')
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={readableColors}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <Notifications position="bottom-right" limit={4} />
      <QueryClientProvider client={queries}>
        <ConfirmProvider>
          <RouterProvider router={pages} />
        </ConfirmProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>
)
