import { createMemoryHandleStore } from '../../../servers/worker/output/memory-handle-store.ts';
import { handleStoreSuite } from '../../suites/handle-store.suite.ts';

handleStoreSuite('memory', () =>
  Promise.resolve({ store: createMemoryHandleStore(), close: () => Promise.resolve() }),
);
