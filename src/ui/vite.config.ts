import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that one build serves behind any path prefix; the server completes what index.html names.
  base: './',
  plugins: [react()],
  // The server puts a nonce of its own in this place into each answer.
  html: { cspNonce: '{{nonce}}' },
  build: {
    emptyOutDir: true,
    target: 'es2023',
    // Style sheets stay as written: the minifier takes light-dark() apart in a way that needs more than we have.
    cssMinify: false,
    // A data: address would have to be allowed by the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900
  }
})
