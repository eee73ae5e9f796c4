"""``python -m crm.runner``: run the whole house."""

import sys

from crm.runner.supervisor import main

sys.exit(main())
