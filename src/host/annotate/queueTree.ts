import * as vscode from 'vscode';
import { treeContext } from '../../contrib/ids.ts';
import { foldLabels } from '../../core/annotate/labels.ts';
import { openDisagreements } from '../../core/annotate/analyse.ts';
import type { Presentation } from '../../core/annotate/prepare.ts';
import { StudySession } from '../../core/annotate/session.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { StudyFolder } from '../../node/annotate/studyFolder.ts';
import type { AnnotateService } from './annotateService.ts';

interface StudyNode {
  readonly kind: 'study';
  readonly folder: StudyFolder;
}

interface RaterNode {
  readonly kind: 'rater';
  readonly folder: StudyFolder;
  readonly rater: string;
  readonly adjudicates: boolean;
  /** When the node was made: a move to an item of it that arrives late must not open the list again. */
  readonly atWork: boolean;
}

interface ItemNode {
  readonly kind: 'item';
  readonly of: RaterNode;
  readonly folder: StudyFolder;
  readonly rater: string;
  readonly presentation: Presentation;
  readonly number: number;
  readonly question: string;
  readonly done: boolean;
}

export type QueueNode = StudyNode | RaterNode | ItemNode | { readonly kind: 'problem'; readonly message: string };

/**
 * Studies, who works on them, and each annotator's items; what has no majority is the adjudicator's. Whoever is at work
 * comes first with the list open, all others are closed.
 */
export class QueueTree implements vscode.TreeDataProvider<QueueNode> {
  private readonly service: AnnotateService;
  private readonly changed = new vscode.EventEmitter<QueueNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly moved = new vscode.EventEmitter<QueueNode>();
  /** The annotator came to another item. */
  readonly onDidMove = this.moved.event;
  private place = '';

  constructor(service: AnnotateService) {
    this.service = service;
    service.onDidChange(() => {
      this.changed.fire(undefined);
      this.follow();
    });
  }

  private follow(): void {
    const place = JSON.stringify(this.service.current);
    if (place === this.place) return;
    this.place = place;
    const here = this.currentItem();
    if (here !== undefined) this.moved.fire(here);
  }

  private currentItem(): QueueNode | undefined {
    const folder = this.service.studies.all().find(({ file }) => file === this.service.current?.study);
    if (folder?.prepared !== true) return undefined;
    try {
      const rater = this.ratersOf(folder).find(({ atWork }) => atWork);
      return rater && this.itemsOf(rater).find((item) => this.isHere(item));
    } catch {
      return undefined; // a study that cannot be read says so where it is listed
    }
  }

  getParent(node: QueueNode): QueueNode | undefined {
    if (node.kind === 'rater') return { kind: 'study', folder: node.folder };
    return node.kind === 'item' ? node.of : undefined;
  }

  async getChildren(node?: QueueNode): Promise<QueueNode[]> {
    await this.service.ready();
    if (node === undefined)
      return currentFirst(
        this.service.studies.all().map((folder) => ({ kind: 'study' as const, folder })),
        ({ folder }) => folder.file === this.service.current?.study,
      );
    try {
      return this.childrenOf(node);
    } catch (error) {
      return [{ kind: 'problem', message: error instanceof Error ? error.message : String(error) }];
    }
  }

  private childrenOf(node: QueueNode): QueueNode[] {
    if (node.kind === 'study') return node.folder.prepared ? this.ratersOf(node.folder) : [];
    return node.kind === 'rater' ? this.itemsOf(node) : [];
  }

  private ratersOf(folder: StudyFolder): RaterNode[] {
    const plan = folder.plan();
    const { current } = this.service;
    const nodeOf = (rater: string, adjudicates: boolean): RaterNode => {
      const atWork = current?.study === folder.file && current.rater === rater;
      return { kind: 'rater', folder, rater, adjudicates, atWork };
    };
    const raters = plan.raters.map(({ name }) => nodeOf(name, false));
    if (plan.adjudicator !== undefined) raters.push(nodeOf(plan.adjudicator, true));
    return currentFirst(raters, ({ atWork }) => atWork);
  }

  private itemsOf(of: RaterNode): ItemNode[] {
    const { folder, rater, adjudicates } = of;
    const session = sessionOf(folder, rater, adjudicates);
    const labels = foldLabels(folder.annotator(rater).records(), session.plan.name);
    return session.list
      .filter((p) => session.kind(p) !== 'guess')
      .map((presentation, i) => ({
        kind: 'item',
        of,
        folder,
        rater,
        presentation,
        number: i + 1,
        question: session.item(presentation).question,
        done: session.isDone(presentation, labels),
      }));
  }

  getTreeItem(node: QueueNode): vscode.TreeItem {
    switch (node.kind) {
      case 'problem': {
        const item = new vscode.TreeItem(node.message);
        item.iconPath = new vscode.ThemeIcon('error');
        return item;
      }
      case 'study':
        return studyItem(node.folder);
      case 'rater':
        return this.raterItem(node);
      case 'item': {
        const item = new vscode.TreeItem(`${node.number}. ${visibleLine(node.question, 120)}`);
        const here = this.isHere(node);
        item.id = `${node.folder.file}/${node.presentation.id}`;
        item.iconPath = new vscode.ThemeIcon(here ? 'arrow-right' : node.done ? 'pass' : 'circle-large-outline');
        item.command = { command: 'autoact.startLabelling', title: vscode.l10n.t('Label'), arguments: [node] };
        item.accessibilityInformation = {
          label: node.done
            ? vscode.l10n.t('Item {0}, done: {1}', node.number, visibleLine(node.question, 120))
            : vscode.l10n.t('Item {0}, open: {1}', node.number, visibleLine(node.question, 120)),
        };
        return item;
      }
    }
  }

  private isHere({ rater, presentation }: ItemNode): boolean {
    const { current } = this.service;
    return current?.rater === rater && current.presentation === presentation.id;
  }

  private raterItem(node: RaterNode): vscode.TreeItem {
    const { folder, rater, adjudicates, atWork } = node;
    const item = new vscode.TreeItem(
      rater,
      atWork ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
    );
    // VS Code keeps a node open or closed by its id, so whoever comes to work, or goes, gets another one.
    item.id = `${folder.file}/${rater}${atWork ? '/at work' : ''}`;
    item.iconPath = new vscode.ThemeIcon(adjudicates ? 'law' : 'person');
    item.contextValue = treeContext.studyRater;
    try {
      const session = sessionOf(folder, rater, adjudicates);
      const { done, total } = session.progress(foldLabels(folder.annotator(rater).records(), session.plan.name));
      item.description = adjudicates
        ? vscode.l10n.t('{0} without a majority, {1} decided', total, done)
        : vscode.l10n.t('{0} of {1}', done, total);
    } catch (error) {
      item.description = error instanceof Error ? error.message : String(error);
    }
    return item;
  }
}

function currentFirst<T>(nodes: readonly T[], isCurrent: (node: T) => boolean): T[] {
  return [...nodes].sort((a, b) => Number(isCurrent(b)) - Number(isCurrent(a)));
}

function sessionOf(folder: StudyFolder, rater: string, adjudicates: boolean): StudySession {
  const [plan, items] = [folder.plan(), folder.items()];
  return adjudicates ? StudySession.forAdjudicator(plan, items, folder.labels()) : new StudySession(plan, items, rater);
}

function studyItem(folder: StudyFolder): vscode.TreeItem {
  const item = new vscode.TreeItem(
    folder.name,
    folder.prepared ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None,
  );
  item.id = folder.file;
  item.iconPath = new vscode.ThemeIcon('beaker');
  item.contextValue = folder.prepared ? treeContext.studyPrepared : treeContext.studyNew;
  if (!folder.prepared) item.description = vscode.l10n.t('not prepared');
  else {
    try {
      const open = openDisagreements(folder.plan(), folder.labels()).length;
      const state = folder.revealed ? vscode.l10n.t('revealed') : vscode.l10n.t('blind');
      item.description = open === 0 ? state : `${state}, ${vscode.l10n.t('{0} without a majority', open)}`;
    } catch (error) {
      item.description = error instanceof Error ? error.message : String(error);
    }
  }
  return item;
}
