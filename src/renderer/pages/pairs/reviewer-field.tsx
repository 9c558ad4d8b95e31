import { TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { reviewerSchema } from '../../../shared/audit/review.ts';

/** Who reviews. A name counts when the field is left: each letter of it would be another reviewer. */
export function ReviewerField({
  reviewer,
  onChange,
}: {
  readonly reviewer: string;
  readonly onChange: (reviewer: string) => void;
}) {
  const [typed, setTyped] = useState(reviewer);
  useEffect(() => {
    setTyped(reviewer);
  }, [reviewer]);
  const name = reviewerSchema.safeParse(typed);
  return (
    <TextInput
      aria-label="Reviewer"
      title="Who reviews; stored with each verdict"
      w={130}
      value={typed}
      error={name.success ? undefined : 'Say who reviews.'}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
      }}
      onBlur={() => {
        if (name.success) onChange(name.data);
        else setTyped(reviewer);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
      }}
    />
  );
}
