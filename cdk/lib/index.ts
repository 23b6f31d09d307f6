export { InvalidSetting, type WadiSettings } from './settings.ts';
export { Wadi, type WadiProps } from './wadi.ts';
export { WadiStack, type WadiStackProps } from './wadi-stack.ts';
