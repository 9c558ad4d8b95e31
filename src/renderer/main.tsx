import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './app/theme.css';
import { MantineProvider, createTheme } from '@mantine/core';
import type { MantineColorsTuple } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './api/client.ts';
import { App } from './app/app.tsx';
import { stayHere } from './app/stay-here.ts';
import { followSettings } from './settings/settings-store.ts';

const theme = createTheme({
  colors: {
    // Neutral greys: Mantine's own dark ones are bluish, and colours have a meaning here.
    dark: [
      ...['#d2d2d2', '#bcbcbc', '#a3a3a3', '#8a8a8a', '#5c5c5c', '#454545'],
      ...['#333333', '#242424', '#1c1c1c', '#141414'],
    ] as unknown as MantineColorsTuple,
  },
  fontFamily: 'Inter, sans-serif',
  fontFamilyMonospace: 'JetBrains Mono, monospace',
  fontSizes: { xs: '11px', sm: '13px', md: '13px', lg: '15px', xl: '18px' },
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: 4,
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'xs' } },
    Select: { defaultProps: { size: 'xs' } },
    NumberInput: { defaultProps: { size: 'xs' } },
    Textarea: { defaultProps: { size: 'xs' } },
    Switch: { defaultProps: { size: 'xs' } },
    // Borders rather than shadows.
    Modal: { defaultProps: { shadow: 'none', radius: 4 } },
    Drawer: { defaultProps: { shadow: 'none' } },
  },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
});

stayHere();

followSettings().catch((error: unknown) => {
  console.error('the settings could not be read', error);
});

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
