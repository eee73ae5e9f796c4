"""Tables of the orders app."""

import crm.shared.public_ids
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('members', '0001_initial'),
    ]

    operations = [
        django.contrib.postgres.operations.TrigramExtension(),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('name_en', models.CharField(blank=True, help_text='Empty uses name.', max_length=160, verbose_name='English name')),
                ('code', models.SlugField(max_length=40, unique=True, verbose_name='code')),
            ],
            options={
                'verbose_name': 'sales channel',
                'verbose_name_plural': 'sales channels',
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='Adjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40, verbose_name='source')),
                ('external_ref', models.CharField(max_length=80, verbose_name='number at the source')),
                ('source_row', models.PositiveIntegerField(verbose_name='row')),
                ('kind', models.CharField(choices=[('bad_debt', 'bad debt')], max_length=20, verbose_name='kind')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('description', models.CharField(blank=True, max_length=240, verbose_name='description')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
            ],
            options={
                'verbose_name': 'adjustment',
                'verbose_name_plural': 'adjustments',
                'constraints': [models.UniqueConstraint(fields=('source', 'external_ref', 'source_row'), name='adjustment_once_per_row')],
            },
        ),
        migrations.CreateModel(
            name='Cart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='cart')),
                ('coupon_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('points_to_spend', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='carts', to='members.member')),
                ('channel', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='orders.channel')),
            ],
            options={
                'verbose_name': 'cart',
                'verbose_name_plural': 'carts',
            },
        ),
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('name_en', models.CharField(blank=True, help_text='Empty uses name.', max_length=160, verbose_name='English name')),
                ('code', models.SlugField(max_length=60, unique=True, verbose_name='code')),
                ('position', models.PositiveIntegerField(default=0, verbose_name='position')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='orders.category', verbose_name='parent')),
            ],
            options={
                'verbose_name': 'category',
                'verbose_name_plural': 'categories',
                'ordering': ['position', 'code'],
            },
        ),
        migrations.CreateModel(
            name='ImportBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='imp')),
                ('profile', models.CharField(max_length=40, verbose_name='profile')),
                ('sha256', models.CharField(max_length=64, verbose_name='content hash')),
                ('file_name', models.CharField(max_length=255, verbose_name='file')),
                ('state', models.CharField(choices=[('running', 'running'), ('done', 'done')], default='running', max_length=10, verbose_name='state')),
                ('rows_read', models.PositiveIntegerField(default=0, verbose_name='rows read')),
                ('rows_stored', models.PositiveIntegerField(default=0, verbose_name='rows stored')),
                ('rows_reported', models.PositiveIntegerField(default=0, verbose_name='rows reported')),
                ('cursor', models.JSONField(default=dict)),
                ('started_at', models.DateTimeField(verbose_name='started at')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
            ],
            options={
                'verbose_name': 'import',
                'verbose_name_plural': 'imports',
                'constraints': [models.UniqueConstraint(fields=('profile', 'sha256'), name='import_once_per_content')],
            },
        ),
        migrations.CreateModel(
            name='ImportIssue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('row', models.PositiveIntegerField(verbose_name='row')),
                ('column', models.CharField(max_length=40, verbose_name='column')),
                ('code', models.CharField(max_length=40, verbose_name='reason')),
                ('value', models.CharField(blank=True, max_length=80, verbose_name='value')),
                ('invoice', models.CharField(blank=True, max_length=40, verbose_name='invoice')),
                ('is_stored', models.BooleanField(default=False, verbose_name='stored')),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='issues', to='orders.importbatch')),
            ],
            options={
                'verbose_name': 'import issue',
                'verbose_name_plural': 'import issues',
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='ord')),
                ('number', models.CharField(db_collation='C', max_length=40, unique=True, verbose_name='order number')),
                ('source', models.CharField(default='storefront', max_length=40, verbose_name='source')),
                ('external_ref', models.CharField(blank=True, max_length=80, null=True, verbose_name='number at the source')),
                ('region', models.CharField(blank=True, max_length=60, verbose_name='region')),
                ('state', models.CharField(choices=[('pending', 'awaiting payment'), ('paid', 'paid'), ('shipped', 'shipped'), ('completed', 'completed'), ('cancelled', 'cancelled'), ('refunded', 'fully refunded')], default='pending', max_length=10, verbose_name='state')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('goods_minor', models.BigIntegerField(verbose_name='goods')),
                ('discount_minor', models.BigIntegerField(default=0, verbose_name='discount')),
                ('freight_minor', models.BigIntegerField(default=0, verbose_name='freight')),
                ('total_minor', models.BigIntegerField(verbose_name='total')),
                ('paid_minor', models.BigIntegerField(default=0, verbose_name='paid')),
                ('refunded_minor', models.BigIntegerField(default=0, verbose_name='refunded')),
                ('points_spent', models.PositiveIntegerField(default=0, verbose_name='points spent')),
                ('quote_hash', models.CharField(blank=True, max_length=64)),
                ('placed_at', models.DateTimeField(verbose_name='placed at')),
                ('payment_due_at', models.DateTimeField(blank=True, null=True, verbose_name='payment due at')),
                ('paid_at', models.DateTimeField(blank=True, null=True, verbose_name='paid at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('cart', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='order', to='orders.cart')),
                ('channel', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='orders.channel', verbose_name='sales channel')),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='members.member', verbose_name='member')),
            ],
            options={
                'verbose_name': 'order',
                'verbose_name_plural': 'orders',
            },
        ),
        migrations.CreateModel(
            name='OrderEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_state', models.CharField(blank=True, max_length=10)),
                ('to_state', models.CharField(max_length=10)),
                ('actor', models.CharField(max_length=80, verbose_name='actor')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='orders.order')),
            ],
            options={
                'verbose_name': 'order event',
                'verbose_name_plural': 'order events',
            },
        ),
        migrations.CreateModel(
            name='OrderLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField(verbose_name='position')),
                ('sku', models.CharField(db_collation='C', max_length=60, verbose_name='SKU')),
                ('name', models.CharField(max_length=240, verbose_name='name')),
                ('kind', models.CharField(max_length=10, verbose_name='kind')),
                ('quantity', models.PositiveIntegerField(verbose_name='quantity')),
                ('unit_price_minor', models.BigIntegerField(verbose_name='unit price')),
                ('gross_minor', models.BigIntegerField(verbose_name='gross')),
                ('discount_minor', models.BigIntegerField(default=0, verbose_name='discount')),
                ('net_minor', models.BigIntegerField(verbose_name='net')),
                ('refunded_quantity', models.PositiveIntegerField(default=0, verbose_name='units refunded')),
                ('refunded_minor', models.BigIntegerField(default=0, verbose_name='refunded')),
                ('source_row', models.PositiveIntegerField(blank=True, null=True)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.order')),
            ],
            options={
                'verbose_name': 'order line',
                'verbose_name_plural': 'order lines',
            },
        ),
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source_kind', models.CharField(max_length=20, verbose_name='kind of offer')),
                ('source_id', models.CharField(max_length=40, verbose_name='offer')),
                ('source_name', models.CharField(max_length=160, verbose_name='name of offer')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('points', models.PositiveIntegerField(default=0, verbose_name='points')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='allocations', to='orders.orderline')),
            ],
            options={
                'verbose_name': 'price reduction',
                'verbose_name_plural': 'price reductions',
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='pay')),
                ('provider', models.CharField(max_length=40, verbose_name='provider')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('refunded_minor', models.BigIntegerField(default=0, verbose_name='refunded')),
                ('state', models.CharField(choices=[('pending', 'pending'), ('captured', 'captured'), ('failed', 'failed'), ('cancelled', 'cancelled'), ('surplus', 'to be returned'), ('returned', 'returned')], default='pending', max_length=10, verbose_name='state')),
                ('provider_ref', models.CharField(blank=True, max_length=80, null=True, verbose_name="provider's reference")),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('captured_at', models.DateTimeField(blank=True, null=True, verbose_name='captured at')),
                ('return_due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('return_attempts', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='orders.order')),
            ],
            options={
                'verbose_name': 'payment',
                'verbose_name_plural': 'payments',
            },
        ),
        migrations.CreateModel(
            name='PaymentCallback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=40)),
                ('event_id', models.CharField(max_length=80)),
                ('kind', models.CharField(max_length=40)),
                ('received_at', models.DateTimeField()),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='callbacks', to='orders.payment')),
            ],
            options={
                'verbose_name': 'payment call-back',
                'verbose_name_plural': 'payment call-backs',
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('name_en', models.CharField(blank=True, help_text='Empty uses name.', max_length=160, verbose_name='English name')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='prd')),
                ('kind', models.CharField(choices=[('goods', 'goods'), ('gift_card', 'gift card'), ('freight', 'freight'), ('fee', 'fee or manual charge')], default='goods', max_length=10, verbose_name='kind')),
                ('brand', models.CharField(blank=True, max_length=80, verbose_name='brand')),
                ('description', models.TextField(blank=True, max_length=4000, verbose_name='description')),
                ('is_listed', models.BooleanField(default=True, help_text='Shown and sold in the storefront.', verbose_name='listed')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='orders.category', verbose_name='category')),
            ],
            options={
                'verbose_name': 'product',
                'verbose_name_plural': 'products',
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='ref')),
                ('source', models.CharField(default='storefront', max_length=40, verbose_name='source')),
                ('external_ref', models.CharField(blank=True, max_length=80, null=True, verbose_name='number at the source')),
                ('request_key', models.CharField(blank=True, editable=False, max_length=80, null=True, unique=True)),
                ('state', models.CharField(choices=[('requested', 'requested'), ('completed', 'completed'), ('failed', 'failed')], default='requested', max_length=10, verbose_name='state')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('freight_minor', models.BigIntegerField(default=0, verbose_name='freight returned')),
                ('points_returned', models.PositiveIntegerField(default=0, verbose_name='points returned')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('actor', models.CharField(blank=True, max_length=80, verbose_name='actor')),
                ('requested_at', models.DateTimeField(verbose_name='requested at')),
                ('completed_at', models.DateTimeField(blank=True, null=True, verbose_name='completed at')),
                ('due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('attempts', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='orders.order', verbose_name='order')),
                ('payment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='orders.payment', verbose_name='payment')),
            ],
            options={
                'verbose_name': 'refund',
                'verbose_name_plural': 'refunds',
            },
        ),
        migrations.CreateModel(
            name='RefundLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField(verbose_name='quantity')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('points', models.PositiveIntegerField(db_default=0, default=0, verbose_name='points')),
                ('source_row', models.PositiveIntegerField(blank=True, null=True)),
                ('order_line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refund_lines', to='orders.orderline')),
                ('refund', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.refund')),
            ],
            options={
                'verbose_name': 'refund line',
                'verbose_name_plural': 'refund lines',
            },
        ),
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sku', models.CharField(db_collation='C', max_length=60, unique=True, verbose_name='SKU')),
                ('option', models.CharField(blank=True, help_text='Size, colour and so on.', max_length=80, verbose_name='option')),
                ('price_minor', models.BigIntegerField(help_text='In minor units of the shop currency.', verbose_name='list price')),
                ('cost_minor', models.BigIntegerField(blank=True, null=True, verbose_name='cost')),
                ('on_hand', models.IntegerField(blank=True, null=True, verbose_name='on hand')),
                ('reserved', models.IntegerField(default=0, verbose_name='reserved')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='variants', to='orders.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'SKU',
                'verbose_name_plural': 'SKUs',
            },
        ),
        migrations.CreateModel(
            name='UnmatchedReturn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=40, verbose_name='source')),
                ('external_ref', models.CharField(max_length=80, verbose_name='number at the source')),
                ('source_row', models.PositiveIntegerField(verbose_name='row')),
                ('kind', models.CharField(max_length=10, verbose_name='kind')),
                ('quantity', models.PositiveIntegerField(verbose_name='quantity')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('reason', models.CharField(max_length=60, verbose_name='why unmatched')),
                ('state', models.CharField(choices=[('open', 'to review'), ('settled', 'settled')], default='open', max_length=10, verbose_name='state')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='unmatched_returns', to='members.member', verbose_name='member')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.variant', verbose_name='variant')),
            ],
            options={
                'verbose_name': 'unmatched return',
                'verbose_name_plural': 'unmatched returns',
            },
        ),
        migrations.AddField(
            model_name='orderline',
            name='variant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.variant'),
        ),
        migrations.CreateModel(
            name='CartLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='cit')),
                ('quantity', models.PositiveIntegerField()),
                ('cart', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.cart')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='orders.variant')),
            ],
            options={
                'verbose_name': 'cart line',
                'verbose_name_plural': 'cart lines',
            },
        ),
        migrations.AddIndex(
            model_name='cart',
            index=models.Index(fields=['member', '-updated_at'], name='cart_by_member'),
        ),
        migrations.AddConstraint(
            model_name='importissue',
            constraint=models.UniqueConstraint(fields=('batch', 'row', 'column', 'code'), name='import_issue_once_per_cell'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['-placed_at', '-id'], name='order_newest_first'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['member', '-placed_at'], name='order_by_member'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['state', '-placed_at'], name='order_by_state'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['payment_due_at'], name='order_waiting_for_payment'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(fields=('source', 'external_ref'), name='order_once_per_external_ref'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('total_minor', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('goods_minor'), '-', models.F('discount_minor')), '+', models.F('freight_minor')))), name='order_total_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('discount_minor__gte', 0), ('total_minor__gte', 0), ('freight_minor__gte', 0)), name='order_sums_are_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('refunded_minor__gte', 0), ('refunded_minor__lte', models.F('paid_minor'))), name='order_refunds_are_within_paid'),
        ),
        migrations.AddIndex(
            model_name='orderevent',
            index=models.Index(fields=['order', 'id'], name='order_event_in_order'),
        ),
        migrations.AddIndex(
            model_name='allocation',
            index=models.Index(fields=['source_kind', 'source_id'], name='allocation_source'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.UniqueConstraint(fields=('line', 'source_kind', 'source_id'), name='allocation_once_per_line_and_source'),
        ),
        migrations.AddConstraint(
            model_name='allocation',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='allocation_is_positive'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('state', 'surplus')), fields=['return_due_at'], name='payment_surplus_by_due'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(fields=('provider', 'provider_ref'), name='payment_once_per_provider_ref'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('refunded_minor__gte', 0), ('refunded_minor__lte', models.F('amount_minor'))), name='payment_refunds_are_within_amount'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'captured')), fields=('order',), name='payment_captured_once_per_order'),
        ),
        migrations.AddConstraint(
            model_name='paymentcallback',
            constraint=models.UniqueConstraint(fields=('provider', 'event_id'), name='payment_callback_once'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['-created_at', '-id'], name='product_newest_first'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['category', '-id'], name='product_by_category'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), name='product_by_name_part'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(fields=['-requested_at', '-id'], name='refund_newest_first'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(condition=models.Q(('state', 'requested')), fields=['due_at'], name='refund_waiting_by_due'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(fields=('source', 'external_ref', 'order'), name='refund_once_per_external_ref'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('freight_minor__gte', 0)), name='refund_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='refundline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0), ('amount_minor__gte', 0)), name='refund_line_is_positive'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(('price_minor__gte', 0)), name='variant_price_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(('reserved__gte', 0), models.Q(('on_hand__isnull', True), ('reserved__lte', models.F('on_hand')), _connector='OR')), name='variant_reserved_is_within_stock'),
        ),
        migrations.AddIndex(
            model_name='unmatchedreturn',
            index=models.Index(fields=['state', '-occurred_at'], name='unmatched_open'),
        ),
        migrations.AddConstraint(
            model_name='unmatchedreturn',
            constraint=models.UniqueConstraint(fields=('source', 'external_ref', 'source_row', 'reason'), name='unmatched_return_once_per_row'),
        ),
        migrations.AddConstraint(
            model_name='unmatchedreturn',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('quantity__gt', 0)), name='unmatched_return_is_positive'),
        ),
        migrations.AddIndex(
            model_name='orderline',
            index=models.Index(fields=['variant'], name='order_line_by_sku'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.UniqueConstraint(fields=('order', 'position'), name='order_line_once_per_position'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('gross_minor', django.db.models.expressions.CombinedExpression(models.F('unit_price_minor'), '*', models.F('quantity'))), ('net_minor', django.db.models.expressions.CombinedExpression(models.F('gross_minor'), '-', models.F('discount_minor')))), name='order_line_adds_up'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('net_minor__gte', 0), ('discount_minor__gte', 0)), name='order_line_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('refunded_quantity__lte', models.F('quantity')), ('refunded_minor__lte', models.F('net_minor')), ('refunded_minor__gte', 0)), name='order_line_refunds_are_within_paid'),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.UniqueConstraint(fields=('cart', 'variant'), name='cart_line_once_per_sku'),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__range', (1, 9999))), name='cart_line_has_a_sane_quantity'),
        ),
    ]
