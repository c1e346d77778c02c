import {
  calculatorTool,
  codeTool,
  databaseTool,
  drawTool,
  imageTool,
  knowledgeTool,
  lookupTool,
  retrieveTool,
  searchTool,
  tableTool,
  type ToolDescription,
} from '../../core/tools/library.ts';
import type { DescribeTools } from './runTargets.ts';

const standard: readonly ToolDescription[] = [
  searchTool,
  retrieveTool,
  lookupTool,
  calculatorTool,
  codeTool,
  tableTool,
  databaseTool,
  knowledgeTool,
  imageTool,
  drawTool,
];

/**
 * Descriptions of the tools that come with the product, without opening any of them: that is all that a replay needs.
 * Whether they are what the run had is seen from its log.
 */
export const describeStandardTools: DescribeTools = (names) => {
  const found = names.map((name) => standard.find((tool) => tool.name === name));
  return found.every((tool) => tool !== undefined) ? found : undefined;
};
