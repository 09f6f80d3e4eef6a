import { expect, it, onTestFinished, vi } from 'vitest';
import { Emitter } from './emitter.ts';

interface Events {
  said: string;
  left: number;
}

it('calls every listener of an event in order, and none of another', () => {
  const emitter = new Emitter<Events>();
  const heard: unknown[] = [];
  emitter.on('said', (text) => heard.push(`first ${text}`));
  emitter.on('said', (text) => heard.push(`second ${text}`));
  emitter.on('left', (code) => heard.push(code));
  emitter.emit('said', 'hi');
  expect(heard).toEqual(['first hi', 'second hi']);
});

it('lets a function listen twice and leave once', () => {
  const emitter = new Emitter<Events>();
  const listener = vi.fn();
  const leave = emitter.on('said', listener);
  emitter.on('said', listener);
  leave();
  leave();
  emitter.emit('said', 'hi');
  expect(listener).toHaveBeenCalledOnce();
  expect(emitter.has('said')).toBe(true);
  expect(emitter.has('left')).toBe(false);
});

it('lets a listener leave while it is called', () => {
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  const leave = emitter.on('said', () => leave());
  emitter.on('said', (text) => heard.push(text));
  emitter.emit('said', 'one');
  emitter.emit('said', 'two');
  expect(heard).toEqual(['one', 'two']);
});

it('surfaces the error of a listener without harming the others', () => {
  const thrown: (() => void)[] = [];
  vi.stubGlobal('queueMicrotask', (run: () => void) => thrown.push(run));
  onTestFinished(() => void vi.unstubAllGlobals());
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  emitter.on('said', () => {
    throw new Error('mine');
  });
  emitter.on('said', (text) => heard.push(text));
  emitter.emit('said', 'hi');
  expect(heard).toEqual(['hi']);
  expect(thrown).toHaveLength(1);
  expect(thrown[0]).toThrow('mine');
});
