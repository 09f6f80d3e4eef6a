/**
 * Whether to come back after a close. The same as `shouldComeBack` in `close-codes.ts`, which would bring all codes of the node
 * and their words into the pages that load the SDK.
 */
const comeBackCodes = [1001, 1005, 1006, 1011, 1012, 1013, 1014];

/** @param code of the close frame; 1006 if there was none */
export function shouldComeBack(code: number): boolean {
  return comeBackCodes.includes(code) || (code >= 4000 && code < 4500);
}
