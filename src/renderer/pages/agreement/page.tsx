import { Tabs } from '@mantine/core';
import { useApi } from '../../api/client.ts';
import { goTo } from '../../app/router.ts';
import { formatCount } from '../../components/format.ts';
import { Page } from '../../components/page.tsx';
import { Annotators } from './annotators.tsx';
import { Bundles } from './bundles.tsx';
import { LabelErrors } from './label-errors.tsx';

const tabs = ['labels', 'annotators', 'bundles'] as const;
const names = { labels: 'Label errors', annotators: 'Two annotators', bundles: 'Review bundles' };

/** What the audit says: how often labels are wrong, how far annotators agree; and audits on other machines. */
export function AgreementPage({ rest }: { readonly rest: readonly string[] }) {
  const reviewers = useApi('agreement.reviewers', {});
  const tab = tabs.find((name) => name === rest[0]) ?? 'labels';
  const count = reviewers.data?.length;
  return (
    <Page
      title="Agreement"
      note={count === undefined ? '' : `${formatCount(count)} ${count === 1 ? 'reviewer' : 'reviewers'}`}
    >
      <Tabs value={tab} onChange={(value) => goTo('agreement', value ?? 'labels')} keepMounted={false}>
        <Tabs.List mb={12}>
          {tabs.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {names[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="labels">
          <LabelErrors reviewers={reviewers.data ?? []} />
        </Tabs.Panel>
        <Tabs.Panel value="annotators">
          <Annotators reviewers={reviewers.data} />
        </Tabs.Panel>
        <Tabs.Panel value="bundles">
          <Bundles />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
