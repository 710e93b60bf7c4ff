/** The example of docs/plugins.md keeps working exactly as it is printed. */
import '../../docs/examples/guestbook/guestbook.test.ts'
