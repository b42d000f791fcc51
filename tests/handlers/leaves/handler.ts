// Leaves something behind in every place that an invocation can change, or tells where it finds something.
const kept: unknown[] = [];
const scope = globalThis as any;
const pristineParse = JSON.parse;
const pristineFetch = fetch;

const leave = () => {
  scope.left = true;
  kept.push(new AbortController());
  (Object.prototype as any).left = true;
  (Array.prototype as any).last = () => 'left';
  (Function.prototype as any).call.left = true;
  JSON.parse = () => 'left';
  scope.fetch = () => 'left';
  process.env.LEFT = '1';
  Error.stackTraceLimit = 1;
  (Error as any).prepareStackTrace = () => 'left';
  Symbol.for('left');
  (Intl as any).left = true;
  setInterval(() => kept.push('tick'), 1);
  /(l)(e)(f)(t)/.test('left');
  return ['left'];
};

const look = () => {
  const found: Record<string, boolean> = {
    'a global': Object.hasOwn(scope, 'left'),
    'a list of the module': kept.length > 0,
    'a prototype': ({} as any).left === true,
    'a method of every array': 'last' in [],
    'a property of a builtin': Object.hasOwn(Function.prototype.call, 'left'),
    'a builtin that is another': JSON.parse !== pristineParse,
    'a web function that is another': fetch !== pristineFetch,
    'the environment': 'LEFT' in process.env,
    'the depth of stacks': Error.stackTraceLimit === 1,
    'the form of stacks': (Error as any).prepareStackTrace?.() === 'left',
    'a namespace': 'left' in Intl,
    'the last match': RegExp.$1 === 'l',
  };
  return Object.keys(found).filter((what) => found[what]).sort();
};

export const handler = (event: any) => (event.body === 'leave' ? leave() : look());
