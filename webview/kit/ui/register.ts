import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';

/**
 * The only importer of the toolkit. Its elements get our prefix, so that another library with the same tag names can
 * live beside it, and so that swapping it touches this folder alone.
 */
export function registerControls(): void {
  provideVSCodeDesignSystem()
    .withPrefix('aat')
    .register(vsCodeButton(), vsCodeCheckbox(), vsCodeDropdown(), vsCodeOption(), vsCodeTextField());
}
