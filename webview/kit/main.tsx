import { registerControls } from './ui/register.ts';

// A bundle of its own, loaded before every panel: the toolkit is most of what a panel weighs, and all panels share it.
registerControls();
