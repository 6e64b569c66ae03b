import { createMemoryRunStore } from '../../../coordinator/store/memory-run-store.ts';
import { runStoreSuite } from '../../suites/run-store.suite.ts';

runStoreSuite('memory', async () => {
  const store = createMemoryRunStore();
  return { store, end: () => store.close() };
});
