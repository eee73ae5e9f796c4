"""Tables of the orders app."""

import crm.shared.bilingual
import crm.shared.fields
import crm.shared.public_ids
import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('members', '0003_external_identities'),
    ]

    operations = [
        django.contrib.postgres.operations.TrigramExtension(),
        django.contrib.postgres.operations.BtreeGistExtension(),
        migrations.CreateModel(
            name='Attribute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('name_en', models.CharField(blank=True, help_text='Empty uses name.', max_length=160, verbose_name='English name')),
                ('code', models.SlugField(max_length=60, unique=True, verbose_name='code')),
            ],
            options={
                'verbose_name': 'product attribute',
                'verbose_name_plural': 'product attributes',
                'ordering': ['code'],
            },
            bases=(crm.shared.bilingual.Bilingual, models.Model),
        ),
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
            bases=(crm.shared.bilingual.Bilingual, models.Model),
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('name_en', models.CharField(blank=True, help_text='Empty uses name.', max_length=160, verbose_name='English name')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='prd')),
                ('kind', models.CharField(choices=[('goods', 'goods'), ('gift_card', 'gift card'), ('freight', 'freight'), ('fee', 'fee or manual charge')], default='goods', max_length=10, verbose_name='kind')),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, db_default=[], default=list, help_text='Words separated by commas.', size=None, verbose_name='tags')),
                ('description', models.TextField(blank=True, max_length=4000, verbose_name='description')),
                ('is_listed', models.BooleanField(default=True, help_text='Shown and sold in the storefront.', verbose_name='listed')),
                ('words_due', models.BooleanField(db_default=True, default=True, editable=False)),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('rating_count', models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name='ratings')),
                ('rating_sum', models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name='sum of ratings')),
            ],
            options={
                'verbose_name': 'product',
                'verbose_name_plural': 'products',
            },
            bases=(crm.shared.bilingual.Bilingual, models.Model),
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
            name='Brand',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160, verbose_name='name')),
                ('name_en', models.CharField(blank=True, help_text='Empty uses name.', max_length=160, verbose_name='English name')),
                ('code', models.SlugField(max_length=60, unique=True, verbose_name='code')),
            ],
            options={
                'verbose_name': 'brand',
                'verbose_name_plural': 'brands',
                'ordering': ['name', 'id'],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='brand_once_per_name')],
            },
            bases=(crm.shared.bilingual.Bilingual, models.Model),
        ),
        migrations.CreateModel(
            name='Cart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='cart')),
                ('province', models.CharField(blank=True, db_default='', max_length=60)),
                ('campaign', models.CharField(blank=True, db_default='', max_length=80)),
                ('device', models.CharField(choices=[('unknown', 'unknown'), ('phone', 'phone'), ('tablet', 'tablet'), ('desktop', 'desktop'), ('counter', 'shop counter')], db_default='unknown', default='unknown', max_length=10)),
                ('coupon_codes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None)),
                ('points_to_spend', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('address', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='members.address')),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='carts', to='members.member')),
                ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='orders.cart')),
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
                ('lineage', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, editable=False, size=None)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='orders.category', verbose_name='parent')),
            ],
            options={
                'verbose_name': 'category',
                'verbose_name_plural': 'categories',
                'ordering': ['position', 'code'],
            },
            bases=(crm.shared.bilingual.Bilingual, models.Model),
        ),
        migrations.CreateModel(
            name='FreightRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('provinces', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='Separated by commas; empty is everywhere else.', size=None, verbose_name='provinces')),
                ('first_grams', models.PositiveIntegerField(default=1000, help_text='In grams: so much is carried for the first fee.', verbose_name='first weight')),
                ('first_minor', models.BigIntegerField(verbose_name='first fee')),
                ('step_grams', models.PositiveIntegerField(default=0, help_text='In grams; 0: weight does not matter.', verbose_name='further weight')),
                ('step_minor', models.BigIntegerField(default=0, verbose_name='fee for each further weight')),
                ('free_from_minor', models.BigIntegerField(blank=True, help_text='Goods after promotions and coupons; empty is never free.', null=True, verbose_name='free from')),
                ('priority', models.SmallIntegerField(default=0, help_text='Of two that fit, the higher one counts.', verbose_name='priority')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
            ],
            options={
                'verbose_name': 'freight rule',
                'verbose_name_plural': 'freight rules',
                'ordering': ['-priority', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('first_minor__gte', 0), ('step_minor__gte', 0), models.Q(('free_from_minor__isnull', True), ('free_from_minor__gte', 0), _connector='OR')), name='freight_rule_is_not_negative'), models.CheckConstraint(condition=models.Q(('step_minor', 0), ('step_grams__gt', 0), _connector='OR'), name='freight_rule_steps_have_a_weight', violation_error_message='Say for which further weight the fee is.')],
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
                ('campaign', models.CharField(blank=True, db_default='', max_length=80, verbose_name='source campaign')),
                ('device', models.CharField(choices=[('unknown', 'unknown'), ('phone', 'phone'), ('tablet', 'tablet'), ('desktop', 'desktop'), ('counter', 'shop counter')], db_default='unknown', default='unknown', max_length=10, verbose_name='device')),
                ('state', models.CharField(choices=[('pending', 'awaiting payment'), ('paid', 'paid'), ('partly_shipped', 'partly shipped'), ('shipped', 'shipped'), ('delivered', 'delivered'), ('completed', 'completed'), ('cancelled', 'cancelled'), ('refunded', 'fully refunded')], default='pending', max_length=20, verbose_name='state')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('goods_minor', models.BigIntegerField(verbose_name='goods')),
                ('discount_minor', models.BigIntegerField(default=0, verbose_name='discount')),
                ('freight_minor', models.BigIntegerField(default=0, verbose_name='freight')),
                ('total_minor', models.BigIntegerField(verbose_name='total')),
                ('paid_minor', models.BigIntegerField(default=0, verbose_name='paid')),
                ('refunded_minor', models.BigIntegerField(default=0, verbose_name='refunded')),
                ('points_spent', models.PositiveIntegerField(default=0, verbose_name='points spent')),
                ('is_protected', models.BooleanField(db_default=False, default=False, verbose_name='consumer-protected')),
                ('quote_hash', models.CharField(blank=True, max_length=64)),
                ('placed_at', models.DateTimeField(verbose_name='placed at')),
                ('payment_due_at', models.DateTimeField(blank=True, null=True, verbose_name='payment due at')),
                ('paid_at', models.DateTimeField(blank=True, null=True, verbose_name='paid at')),
                ('shipped_at', models.DateTimeField(blank=True, null=True, verbose_name='shipped at')),
                ('delivered_at', models.DateTimeField(blank=True, null=True, verbose_name='delivered at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('cart', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='order', to='orders.cart')),
                ('channel', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='orders.channel', verbose_name='sales channel')),
                ('exchange_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='exchanges', to='orders.order', verbose_name='exchange of')),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='members.member', verbose_name='member')),
            ],
            options={
                'verbose_name': 'order',
                'verbose_name_plural': 'orders',
            },
        ),
        migrations.CreateModel(
            name='AppliedOffer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.PositiveSmallIntegerField(verbose_name='stage')),
                ('source_kind', models.CharField(max_length=20, verbose_name='kind of offer')),
                ('source_id', models.CharField(max_length=40, verbose_name='offer')),
                ('source_name', models.CharField(max_length=160, verbose_name='name of offer')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('points', models.PositiveIntegerField(default=0, verbose_name='points')),
                ('terms', models.JSONField(default=dict, verbose_name='terms')),
                ('on_return', models.CharField(choices=[('keep', 'keep'), ('reprice', 'price again')], default='keep', max_length=10, verbose_name='on partial return')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='offers', to='orders.order')),
            ],
            options={
                'verbose_name': 'applied offer',
                'verbose_name_plural': 'applied offers',
            },
        ),
        migrations.CreateModel(
            name='OrderAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='oad')),
                ('recipient', crm.shared.fields.EncryptedTextField(max_length=120, verbose_name='recipient')),
                ('phone', crm.shared.fields.EncryptedTextField(blank=True, max_length=20, null=True, verbose_name='phone')),
                ('country', models.CharField(max_length=2, verbose_name='country')),
                ('province', crm.shared.fields.EncryptedTextField(blank=True, max_length=60, null=True, verbose_name='province')),
                ('city', crm.shared.fields.EncryptedTextField(blank=True, max_length=60, null=True, verbose_name='city')),
                ('district', crm.shared.fields.EncryptedTextField(blank=True, max_length=60, null=True, verbose_name='district')),
                ('street', crm.shared.fields.EncryptedTextField(max_length=200, verbose_name='street')),
                ('postcode', crm.shared.fields.EncryptedTextField(blank=True, max_length=12, null=True, verbose_name='postcode')),
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='address', to='orders.order')),
            ],
            options={
                'verbose_name': 'delivery address',
                'verbose_name_plural': 'delivery addresses',
            },
        ),
        migrations.CreateModel(
            name='OrderEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_state', models.CharField(blank=True, max_length=20)),
                ('to_state', models.CharField(max_length=20)),
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
                ('list_price_minor', models.BigIntegerField(blank=True, null=True, verbose_name='list price')),
                ('unit_price_minor', models.BigIntegerField(verbose_name='unit price')),
                ('price_kind', models.CharField(db_default='list', default='list', max_length=10, verbose_name='kind of price')),
                ('cost_minor', models.BigIntegerField(blank=True, null=True, verbose_name='cost')),
                ('gross_minor', models.BigIntegerField(verbose_name='gross')),
                ('discount_minor', models.BigIntegerField(default=0, verbose_name='discount')),
                ('net_minor', models.BigIntegerField(verbose_name='net')),
                ('shipped_quantity', models.PositiveIntegerField(db_default=0, default=0, verbose_name='units shipped')),
                ('refunded_quantity', models.PositiveIntegerField(default=0, verbose_name='units refunded')),
                ('refunded_minor', models.BigIntegerField(default=0, verbose_name='refunded')),
                ('returning_quantity', models.PositiveIntegerField(db_default=0, default=0, verbose_name='units coming back')),
                ('source_row', models.PositiveIntegerField(blank=True, null=True)),
                ('gift_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='gifts', to='orders.orderline')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.order')),
                ('replaces', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replacements', to='orders.orderline')),
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
                ('tender', models.CharField(blank=True, db_default='', max_length=40, verbose_name='tender')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('refunded_minor', models.BigIntegerField(default=0, verbose_name='refunded')),
                ('state', models.CharField(choices=[('pending', 'pending'), ('held', 'held'), ('captured', 'captured'), ('failed', 'failed'), ('cancelled', 'cancelled'), ('surplus', 'to be returned'), ('returned', 'returned')], default='pending', max_length=10, verbose_name='state')),
                ('provider_ref', models.CharField(blank=True, max_length=80, null=True, verbose_name="provider's reference")),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('captured_at', models.DateTimeField(blank=True, null=True, verbose_name='captured at')),
                ('return_due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('return_attempts', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('ask_due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('ask_attempts', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
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
            name='ProductWords',
            fields=[
                ('product', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='orders.product')),
                ('words', django.contrib.postgres.search.SearchVectorField()),
            ],
            options={
                'verbose_name': 'words of a product',
                'verbose_name_plural': 'words of products',
            },
        ),
        migrations.AddField(
            model_name='product',
            name='brand',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='orders.brand', verbose_name='brand'),
        ),
        migrations.AddField(
            model_name='product',
            name='category',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='orders.category', verbose_name='category'),
        ),
        migrations.AddField(
            model_name='product',
            name='channels',
            field=models.ManyToManyField(blank=True, help_text='None chosen: sold everywhere.', related_name='products', to='orders.channel', verbose_name='sales channels'),
        ),
        migrations.CreateModel(
            name='ProductAttribute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('value', models.CharField(max_length=120, verbose_name='value')),
                ('value_en', models.CharField(blank=True, help_text='Empty uses value.', max_length=120, verbose_name='English value')),
                ('attribute', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='values', to='orders.attribute', verbose_name='product attribute')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attributes', to='orders.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'value of an attribute',
                'verbose_name_plural': 'values of attributes',
                'ordering': ['attribute__code', 'value'],
            },
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='ref')),
                ('kind', models.CharField(choices=[('money', 'money back'), ('exchange', 'exchange')], db_default='money', default='money', max_length=10, verbose_name='kind')),
                ('source', models.CharField(default='storefront', max_length=40, verbose_name='source')),
                ('external_ref', models.CharField(blank=True, max_length=80, null=True, verbose_name='number at the source')),
                ('request_key', models.CharField(blank=True, editable=False, max_length=80, null=True, unique=True)),
                ('state', models.CharField(choices=[('requested', 'requested'), ('completed', 'completed'), ('failed', 'failed')], default='requested', max_length=10, verbose_name='state')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('freight_minor', models.BigIntegerField(default=0, verbose_name='freight returned')),
                ('deducted_minor', models.BigIntegerField(db_default=0, default=0, verbose_name='deducted')),
                ('points_returned', models.PositiveIntegerField(default=0, verbose_name='points returned')),
                ('shortfall', models.CharField(choices=[('program', 'as the points program says'), ('deduct', 'deduct their value from the refund'), ('waive', 'waive them')], db_default='program', default='program', max_length=10, verbose_name='missing points')),
                ('points_deducted', models.PositiveIntegerField(db_default=0, default=0, verbose_name='points deducted')),
                ('restocks', models.BooleanField(db_default=False, default=False, verbose_name='back in stock')),
                ('reason_code', models.CharField(blank=True, db_default='', default='', max_length=20, verbose_name='kind of reason')),
                ('quote_hash', models.CharField(blank=True, db_default='', default='', max_length=64)),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('actor', models.CharField(blank=True, max_length=80, verbose_name='actor')),
                ('requested_at', models.DateTimeField(verbose_name='requested at')),
                ('completed_at', models.DateTimeField(blank=True, null=True, verbose_name='completed at')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='orders.order', verbose_name='order')),
            ],
            options={
                'verbose_name': 'refund',
                'verbose_name_plural': 'refunds',
            },
        ),
        migrations.CreateModel(
            name='GiftCard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='gft')),
                ('number', models.PositiveIntegerField(verbose_name='number')),
                ('code', crm.shared.fields.EncryptedTextField(max_length=16, verbose_name='code')),
                ('code_mark', crm.shared.fields.BlindIndexField(normalise='orders.rules.gift_codes.tidy', source='code', unique=True)),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('state', models.CharField(choices=[('issued', 'issued'), ('redeemed', 'redeemed'), ('voided', 'voided')], default='issued', max_length=10, verbose_name='state')),
                ('issued_at', models.DateTimeField(verbose_name='issued at')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires at')),
                ('redeemed_at', models.DateTimeField(blank=True, null=True, verbose_name='redeemed at')),
                ('redeemed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='gift_cards', to='members.member', verbose_name='redeemed by')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='gift_cards', to='orders.orderline', verbose_name='order line')),
                ('refund', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='gift_cards', to='orders.refund', verbose_name='refund')),
            ],
            options={
                'verbose_name': 'gift card',
                'verbose_name_plural': 'gift cards',
            },
        ),
        migrations.CreateModel(
            name='RefundDeduction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('reprice', 'offer no longer reached'), ('gift_kept', 'gift kept'), ('points_short', 'points already spent')], max_length=20, verbose_name='kind')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('refund', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deductions', to='orders.refund')),
            ],
            options={
                'verbose_name': 'refund deduction',
                'verbose_name_plural': 'refund deductions',
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
            name='RefundTender',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(editable=False, max_length=40, unique=True)),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('state', models.CharField(choices=[('due', 'to be paid'), ('done', 'paid back'), ('refused', 'refused by the provider')], default='due', max_length=10, verbose_name='state')),
                ('due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('attempts', models.PositiveIntegerField(default=0, editable=False)),
                ('to_wallet', models.BooleanField(default=False, verbose_name='to stored value')),
                ('consent', models.CharField(blank=True, max_length=200, verbose_name='consent of the member')),
                ('done_at', models.DateTimeField(blank=True, null=True, verbose_name='paid back at')),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refund_tenders', to='orders.payment', verbose_name='payment')),
                ('refund', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tenders', to='orders.refund')),
            ],
            options={
                'verbose_name': 'refund tender',
                'verbose_name_plural': 'refund tenders',
            },
        ),
        migrations.CreateModel(
            name='ReturnRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='ret')),
                ('kind', models.CharField(choices=[('refund_only', 'money back, keep the goods'), ('return', 'return'), ('exchange', 'exchange')], max_length=20, verbose_name='kind')),
                ('state', models.CharField(choices=[('requested', 'waiting for an answer'), ('approved', 'approved'), ('in_transit', 'on its way back'), ('received', 'received'), ('inspected', 'inspected'), ('refunded', 'refunded'), ('exchanged', 'exchanged'), ('refused', 'refused'), ('cancelled', 'cancelled by the member')], default='requested', max_length=20, verbose_name='state')),
                ('reason_code', models.CharField(choices=[('changed_mind', 'changed my mind'), ('wrong_size', 'does not fit'), ('damaged', 'damaged or faulty'), ('wrong_item', 'not what I ordered'), ('not_as_described', 'not as described'), ('late', 'came too late'), ('other', 'another reason')], max_length=20, verbose_name='reason')),
                ('words', crm.shared.fields.EncryptedTextField(blank=True, default='', verbose_name="in the member's words")),
                ('carrier', models.CharField(blank=True, max_length=40, verbose_name='carrier')),
                ('tracking_number', models.CharField(blank=True, max_length=60, verbose_name='tracking number')),
                ('requested_at', models.DateTimeField(verbose_name='requested at')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed at')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='orders.order', verbose_name='order')),
                ('refund', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='return_request', to='orders.refund', verbose_name='refund')),
            ],
            options={
                'verbose_name': 'return',
                'verbose_name_plural': 'returns',
            },
        ),
        migrations.CreateModel(
            name='ReturnEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_state', models.CharField(blank=True, max_length=20)),
                ('to_state', models.CharField(max_length=20)),
                ('actor', models.CharField(max_length=80, verbose_name='actor')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note to the member')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='orders.returnrequest')),
            ],
            options={
                'verbose_name': 'return event',
                'verbose_name_plural': 'return events',
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='rev')),
                ('rating', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)], verbose_name='rating')),
                ('text', crm.shared.fields.EncryptedTextField(blank=True, max_length=2000, null=True, verbose_name='text')),
                ('state', models.CharField(choices=[('pending', 'to moderate'), ('published', 'published'), ('rejected', 'rejected')], default='pending', max_length=10, verbose_name='state')),
                ('verdict', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('created_at', models.DateTimeField(verbose_name='written at')),
                ('edited_at', models.DateTimeField(blank=True, null=True, verbose_name='changed at')),
                ('follow_up', crm.shared.fields.EncryptedTextField(blank=True, max_length=2000, null=True, verbose_name='follow-up')),
                ('followed_up_at', models.DateTimeField(blank=True, null=True, verbose_name='followed up at')),
                ('reply', crm.shared.fields.EncryptedTextField(blank=True, max_length=1000, null=True, verbose_name='reply')),
                ('replied_at', models.DateTimeField(blank=True, null=True, verbose_name='replied at')),
                ('helpful_count', models.PositiveIntegerField(default=0, verbose_name='found helpful by')),
                ('is_rewarded', models.BooleanField(default=False, verbose_name='rewarded')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='members.member', verbose_name='member')),
                ('order_line', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='review', to='orders.orderline', verbose_name='order line')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='orders.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'review',
                'verbose_name_plural': 'reviews',
            },
        ),
        migrations.CreateModel(
            name='ReviewPicture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='rpi')),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('webp', models.BinaryField(verbose_name='picture')),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='orders.review')),
            ],
            options={
                'verbose_name': 'picture of a review',
                'verbose_name_plural': 'pictures of reviews',
                'ordering': ['position'],
            },
        ),
        migrations.CreateModel(
            name='ReviewVote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='review_votes', to='members.member')),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='votes', to='orders.review')),
            ],
            options={
                'verbose_name': 'helpful vote',
                'verbose_name_plural': 'helpful votes',
            },
        ),
        migrations.CreateModel(
            name='Shipment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='shp')),
                ('carrier', models.CharField(blank=True, max_length=60, verbose_name='carrier')),
                ('tracking', models.CharField(blank=True, max_length=80, verbose_name='tracking number')),
                ('state', models.CharField(choices=[('sent', 'on its way'), ('delivered', 'delivered'), ('lost', 'lost')], default='sent', max_length=10, verbose_name='state')),
                ('request_key', models.CharField(blank=True, editable=False, max_length=80, null=True, unique=True)),
                ('actor', models.CharField(max_length=80, verbose_name='actor')),
                ('sent_at', models.DateTimeField(verbose_name='sent at')),
                ('delivered_at', models.DateTimeField(blank=True, null=True, verbose_name='delivered at')),
                ('lost_at', models.DateTimeField(blank=True, null=True, verbose_name='lost at')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shipments', to='orders.order', verbose_name='order')),
            ],
            options={
                'verbose_name': 'shipment',
                'verbose_name_plural': 'shipments',
            },
        ),
        migrations.CreateModel(
            name='ShipmentLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField(verbose_name='quantity')),
                ('order_line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shipment_lines', to='orders.orderline', verbose_name='order line')),
                ('shipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.shipment')),
            ],
            options={
                'verbose_name': 'shipment line',
                'verbose_name_plural': 'shipment lines',
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
                ('barcode', models.CharField(blank=True, db_collation='C', db_default='', max_length=40, verbose_name='barcode')),
                ('weight_grams', models.PositiveIntegerField(blank=True, null=True, verbose_name='weight in grams')),
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
        migrations.CreateModel(
            name='StockMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('received', 'received'), ('reserved', 'promised'), ('released', 'promise ended'), ('sold', 'sold'), ('returned', 'came back'), ('adjusted', 'adjusted'), ('counted', 'counted')], max_length=10, verbose_name='kind')),
                ('delta_on_hand', models.IntegerField(verbose_name='on hand')),
                ('delta_reserved', models.IntegerField(verbose_name='reserved')),
                ('actor', models.CharField(db_default='', max_length=80, verbose_name='actor')),
                ('reason', models.CharField(blank=True, db_default='', max_length=200, verbose_name='reason')),
                ('occurred_at', models.DateTimeField(verbose_name='time')),
                ('order', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stock_moves', to='orders.order', verbose_name='order')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stock_moves', to='orders.variant', verbose_name='SKU')),
            ],
            options={
                'verbose_name': 'stock move',
                'verbose_name_plural': 'stock moves',
            },
        ),
        migrations.CreateModel(
            name='ReturnLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField(verbose_name='units')),
                ('inspected_quantity', models.PositiveIntegerField(blank=True, null=True, verbose_name='units accepted')),
                ('restock', models.BooleanField(default=False, verbose_name='back in stock')),
                ('condition', models.CharField(blank=True, choices=[('as_new', 'as new'), ('opened', 'opened'), ('damaged', 'damaged'), ('missing', 'did not come')], max_length=10, verbose_name='condition')),
                ('order_line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='return_lines', to='orders.orderline')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.returnrequest')),
                ('wanted', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.variant', verbose_name='wanted instead')),
            ],
            options={
                'verbose_name': 'return line',
                'verbose_name_plural': 'return lines',
            },
        ),
        migrations.CreateModel(
            name='ProductImage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='img')),
                ('alt', models.CharField(blank=True, max_length=160, verbose_name='description for who cannot see it')),
                ('alt_en', models.CharField(blank=True, max_length=160, verbose_name='the same in English')),
                ('position', models.PositiveSmallIntegerField(default=0, verbose_name='position')),
                ('picture', models.BinaryField()),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='images', to='orders.product', verbose_name='product')),
                ('variant', models.ForeignKey(blank=True, help_text='Empty: of all SKUs.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='images', to='orders.variant', verbose_name='SKU')),
            ],
            options={
                'verbose_name': 'picture of a product',
                'verbose_name_plural': 'pictures of products',
                'ordering': ['position', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Price',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('list', 'list price'), ('sale', 'sale price'), ('member', 'member price')], max_length=10, verbose_name='kind')),
                ('audience', models.CharField(blank=True, db_default='', default='', max_length=60, verbose_name='for whom')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('applied_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('actor', models.CharField(blank=True, db_default='', max_length=80, verbose_name='actor')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='prices', to='orders.variant', verbose_name='SKU')),
            ],
            options={
                'verbose_name': 'price',
                'verbose_name_plural': 'prices',
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
        migrations.CreateModel(
            name='Wallet',
            fields=[
                ('member', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='wallet', serialize=False, to='members.member', verbose_name='member')),
                ('balance_minor', models.BigIntegerField(default=0, verbose_name='balance')),
                ('held_minor', models.BigIntegerField(default=0, verbose_name='held')),
                ('seq', models.BigIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'wallet',
                'verbose_name_plural': 'wallets',
                'indexes': [models.Index(fields=['-balance_minor', 'member'], name='wallet_richest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('balance_minor__gte', 0)), name='wallet_is_not_negative'), models.CheckConstraint(condition=models.Q(('held_minor__gte', 0), ('held_minor__lte', models.F('balance_minor'))), name='wallet_held_is_within_balance')],
            },
        ),
        migrations.CreateModel(
            name='WalletEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', crm.shared.public_ids.PublicIdField(prefix='wle')),
                ('seq', models.BigIntegerField(verbose_name='number')),
                ('kind', models.CharField(choices=[('top_up', 'paid in by staff'), ('gift_card', 'gift card'), ('payment', 'payment'), ('refund', 'refund'), ('deduct', 'paid out by staff'), ('transfer', 'moved with a merge')], max_length=10, verbose_name='kind')),
                ('amount_minor', models.BigIntegerField(verbose_name='amount')),
                ('balance_after_minor', models.BigIntegerField(verbose_name='balance after')),
                ('source', models.CharField(max_length=80, verbose_name='source')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='reason')),
                ('actor', models.CharField(blank=True, max_length=80, verbose_name='actor')),
                ('occurred_at', models.DateTimeField(verbose_name='occurred at')),
                ('wallet', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='orders.wallet', verbose_name='wallet')),
            ],
            options={
                'verbose_name': 'wallet entry',
                'verbose_name_plural': 'wallet entries',
            },
        ),
        migrations.AddIndex(
            model_name='category',
            index=django.contrib.postgres.indexes.GinIndex(fields=['lineage'], name='category_by_lineage'),
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
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('campaign', ''), _negated=True), fields=['campaign', '-placed_at'], name='order_by_campaign'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('device', 'unknown'), _negated=True), fields=['device', '-placed_at'], name='order_by_device'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['total_minor', '-placed_at'], name='order_by_total'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('state', 'delivered')), fields=['delivered_at'], name='order_to_complete'),
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
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('paid_minor__lte', models.F('total_minor'))), name='order_paid_is_within_total'),
        ),
        migrations.AddConstraint(
            model_name='appliedoffer',
            constraint=models.UniqueConstraint(fields=('order', 'source_kind', 'source_id'), name='applied_offer_once_per_order'),
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
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('ask_due_at__isnull', False)), fields=['ask_due_at'], name='payment_to_ask_by_due'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['created_at'], name='payment_pending_oldest'),
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
            model_name='paymentcallback',
            constraint=models.UniqueConstraint(fields=('provider', 'event_id'), name='payment_callback_once'),
        ),
        migrations.AddIndex(
            model_name='productwords',
            index=django.contrib.postgres.indexes.GinIndex(fields=['words'], name='product_by_word'),
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
            index=models.Index(fields=['brand', '-id'], name='product_by_brand'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='product_by_tag'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(condition=models.Q(('words_due', True)), fields=['id'], name='product_words_due'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('rating_sum__gte', models.F('rating_count')), ('rating_sum__lte', django.db.models.expressions.CombinedExpression(models.Value(5), '*', models.F('rating_count')))), name='product_ratings_are_one_to_five'),
        ),
        migrations.AddConstraint(
            model_name='productattribute',
            constraint=models.UniqueConstraint(fields=('product', 'attribute', 'value'), name='product_attribute_once_per_value'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(fields=['-requested_at', '-id'], name='refund_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(fields=('source', 'external_ref', 'order'), name='refund_once_per_external_ref'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0), ('freight_minor__gte', 0)), name='refund_is_not_negative'),
        ),
        migrations.AddIndex(
            model_name='giftcard',
            index=models.Index(fields=['-issued_at', '-id'], name='gift_card_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='giftcard',
            constraint=models.UniqueConstraint(fields=('line', 'number'), name='gift_card_once_per_unit'),
        ),
        migrations.AddConstraint(
            model_name='giftcard',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='gift_card_holds_something'),
        ),
        migrations.AddConstraint(
            model_name='giftcard',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('redeemed_by__isnull', True), ('refund__isnull', True), ('state', 'issued')), models.Q(('redeemed_at__isnull', False), ('redeemed_by__isnull', False), ('refund__isnull', True), ('state', 'redeemed')), models.Q(('redeemed_by__isnull', True), ('refund__isnull', False), ('state', 'voided')), _connector='OR'), name='gift_card_state_matches_row'),
        ),
        migrations.AddConstraint(
            model_name='refunddeduction',
            constraint=models.UniqueConstraint(fields=('refund', 'kind'), name='refund_deduction_once_per_kind'),
        ),
        migrations.AddConstraint(
            model_name='refunddeduction',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor', 0), _negated=True), name='refund_deduction_is_not_nothing'),
        ),
        migrations.AddConstraint(
            model_name='refundline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0), ('amount_minor__gte', 0)), name='refund_line_is_positive'),
        ),
        migrations.AddIndex(
            model_name='refundtender',
            index=models.Index(condition=models.Q(('state', 'due')), fields=['due_at'], name='refund_tender_waiting_by_due'),
        ),
        migrations.AddIndex(
            model_name='refundtender',
            index=models.Index(condition=models.Q(('state', 'refused')), fields=['refund'], name='refund_tender_refused'),
        ),
        migrations.AddConstraint(
            model_name='refundtender',
            constraint=models.UniqueConstraint(fields=('refund', 'payment'), name='refund_tender_once_per_payment'),
        ),
        migrations.AddConstraint(
            model_name='refundtender',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gt', 0)), name='refund_tender_is_positive'),
        ),
        migrations.AddConstraint(
            model_name='refundtender',
            constraint=models.CheckConstraint(condition=models.Q(('to_wallet', False), models.Q(('consent', ''), _negated=True), _connector='OR'), name='refund_tender_goes_elsewhere_with_consent'),
        ),
        migrations.AddIndex(
            model_name='returnrequest',
            index=models.Index(fields=['-requested_at', '-id'], name='return_newest_first'),
        ),
        migrations.AddIndex(
            model_name='returnrequest',
            index=models.Index(fields=['state', 'requested_at'], name='return_by_state'),
        ),
        migrations.AddConstraint(
            model_name='returnrequest',
            constraint=models.CheckConstraint(condition=models.Q(('refund__isnull', False), models.Q(('state__in', ['refunded', 'exchanged']), _negated=True), _connector='OR'), name='return_ends_with_its_refund'),
        ),
        migrations.AddIndex(
            model_name='returnevent',
            index=models.Index(fields=['request', 'id'], name='return_event_in_order'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(condition=models.Q(('state', 'published')), fields=['product', '-created_at', '-id'], name='review_newest_of_product'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(condition=models.Q(('state', 'published')), fields=['product', '-helpful_count', '-id'], name='review_most_helpful'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(fields=['state', 'created_at'], name='review_queue'),
        ),
        migrations.AddIndex(
            model_name='review',
            index=models.Index(fields=['member', '-created_at'], name='review_by_member'),
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('rating__range', (1, 5))), name='review_has_one_to_five_stars'),
        ),
        migrations.AddConstraint(
            model_name='reviewpicture',
            constraint=models.UniqueConstraint(fields=('review', 'position'), name='review_picture_once_per_position'),
        ),
        migrations.AddConstraint(
            model_name='reviewpicture',
            constraint=models.CheckConstraint(condition=models.Q(('position__lt', 9)), name='review_pictures_are_limited'),
        ),
        migrations.AddConstraint(
            model_name='reviewvote',
            constraint=models.UniqueConstraint(fields=('review', 'member'), name='review_vote_once_per_member'),
        ),
        migrations.AddIndex(
            model_name='shipment',
            index=models.Index(fields=['-sent_at', '-id'], name='shipment_newest_first'),
        ),
        migrations.AddIndex(
            model_name='shipment',
            index=models.Index(condition=models.Q(('state', 'sent')), fields=['sent_at'], name='shipment_under_way'),
        ),
        migrations.AddConstraint(
            model_name='shipment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('delivered_at', None), ('lost_at', None), ('state', 'sent')), models.Q(('delivered_at__isnull', False), ('lost_at', None), ('state', 'delivered')), models.Q(('delivered_at', None), ('lost_at__isnull', False), ('state', 'lost')), _connector='OR'), name='shipment_end_matches_state'),
        ),
        migrations.AddConstraint(
            model_name='shipmentline',
            constraint=models.UniqueConstraint(fields=('shipment', 'order_line'), name='shipment_line_once_per_order_line'),
        ),
        migrations.AddConstraint(
            model_name='shipmentline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='shipment_line_is_positive'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(('price_minor__gte', 0)), name='variant_price_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.UniqueConstraint(condition=models.Q(('barcode', ''), _negated=True), fields=('barcode',), name='variant_once_per_barcode'),
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
            model_name='stockmove',
            index=models.Index(fields=['variant', '-id'], name='stock_move_by_variant'),
        ),
        migrations.AddIndex(
            model_name='stockmove',
            index=models.Index(fields=['-occurred_at', '-id'], name='stock_move_newest'),
        ),
        migrations.AddConstraint(
            model_name='stockmove',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('delta_reserved__gt', 0), ('kind', 'reserved')), models.Q(('delta_reserved__lt', 0), ('kind__in', ['released', 'sold'])), models.Q(('delta_reserved', 0), ('kind__in', ['received', 'returned', 'adjusted', 'counted'])), _connector='OR'), name='stock_move_reserves_by_kind'),
        ),
        migrations.AddConstraint(
            model_name='stockmove',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('delta_on_hand', 0), ('kind__in', ['reserved', 'released'])), models.Q(('delta_on_hand__lte', 0), ('kind', 'sold')), models.Q(('delta_on_hand__gte', 0), ('kind__in', ['received', 'returned'])), ('kind__in', ['adjusted', 'counted']), _connector='OR'), name='stock_move_on_hand_by_kind'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=models.UniqueConstraint(fields=('request', 'order_line'), name='return_line_once_per_line'),
        ),
        migrations.AddConstraint(
            model_name='returnline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0), models.Q(('inspected_quantity__isnull', True), ('inspected_quantity__lte', models.F('quantity')), _connector='OR')), name='return_line_accepts_what_was_asked'),
        ),
        migrations.AddIndex(
            model_name='productimage',
            index=models.Index(fields=['product', 'position', 'id'], name='image_in_order'),
        ),
        migrations.AddIndex(
            model_name='price',
            index=models.Index(fields=['variant', 'starts_at'], name='price_by_variant'),
        ),
        migrations.AddIndex(
            model_name='price',
            index=models.Index(condition=models.Q(('applied_at__isnull', True), ('kind', 'list')), fields=['starts_at'], name='price_to_apply'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.CheckConstraint(condition=models.Q(('amount_minor__gte', 0)), name='price_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='price_ends_after_it_starts'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('audience', ''), ('kind', 'list')), ('kind', 'sale'), models.Q(('kind', 'member'), models.Q(('audience', ''), _negated=True)), _connector='OR'), name='price_audience_matches_kind'),
        ),
        migrations.AddConstraint(
            model_name='price',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(expressions=[('variant', '='), ('kind', '='), ('audience', '='), (models.Func('starts_at', 'ends_at', function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&')], name='price_one_at_a_time'),
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
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gte', django.db.models.expressions.CombinedExpression(models.F('refunded_quantity'), '+', models.F('returning_quantity')))), name='order_line_returns_are_within_bought'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('shipped_quantity__lte', models.F('quantity'))), name='order_line_ships_what_was_bought'),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.UniqueConstraint(fields=('cart', 'variant'), name='cart_line_once_per_sku'),
        ),
        migrations.AddConstraint(
            model_name='cartline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__range', (1, 9999))), name='cart_line_has_a_sane_quantity'),
        ),
        migrations.AddIndex(
            model_name='walletentry',
            index=models.Index(fields=['-occurred_at', '-id'], name='wallet_entry_newest'),
        ),
        migrations.AddConstraint(
            model_name='walletentry',
            constraint=models.UniqueConstraint(fields=('wallet', 'kind', 'source'), name='wallet_entry_once_per_source'),
        ),
        migrations.AddConstraint(
            model_name='walletentry',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'transfer'), _negated=True), fields=('kind', 'source'), name='wallet_entry_once_in_all_wallets'),
        ),
        migrations.AddConstraint(
            model_name='walletentry',
            constraint=models.UniqueConstraint(fields=('wallet', 'seq'), name='wallet_entry_once_per_number'),
        ),
        migrations.AddConstraint(
            model_name='walletentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount_minor__gt', 0), ('kind__in', ['top_up', 'gift_card', 'refund'])), models.Q(('amount_minor__lt', 0), ('kind__in', ['payment', 'deduct'])), ('kind', 'transfer'), _connector='OR'), name='wallet_entry_sign_matches_kind'),
        ),
    ]
