import { startScriptedModel } from './start.ts';

/** Serves the scripted model until it is killed: `tsx test/scripted-model/main.ts [port]`. */
const model = await startScriptedModel({ port: Number(process.argv[2] ?? 0) });
process.stdout.write(`${model.url}\n`);
