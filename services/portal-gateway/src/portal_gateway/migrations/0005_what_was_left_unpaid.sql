-- What an ended subscription left unpaid may have been paid since: its customer's view is composed anew.
UPDATE customer_view v SET doc = NULL
WHERE EXISTS (
    SELECT FROM projection p
    WHERE p.merchant_id = v.merchant_id AND p.customer_id = v.customer_id AND p.name = 'subscription'
      AND p.doc ->> 'ended_at' IS NOT NULL AND p.doc -> 'debt' ->> 'invoice_id' IS NOT NULL
);
