/**
 * A mail server small enough to read: it speaks SMTP (RFC 5321) line by line, answers as told and keeps what it heard.
 *
 * @module
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header fields and text, dots unstuffed. */
  readonly content: string;
}

export interface SmtpServer {
  readonly port: number;
  readonly mails: readonly Mail[];
  /** Every command line, in order; `AUTH` and what follows it too. */
  readonly commands: readonly string[];
  /** What a command is answered instead of the usual; null: the usual, `hang`: nothing at all. */
  behave(answer: (command: string) => string | null): void;
  close(): Promise<void>;
}

const CRLF = '\r\n';

/** State of one conversation; takes lines, gives replies. */
class Conversation {
  readonly #server: { readonly mails: Mail[]; readonly extensions: readonly string[] };
  #from = '';
  #to: string[] = [];
  #data: string[] | null = null;

  constructor(server: { readonly mails: Mail[]; readonly extensions: readonly string[] }) {
    this.#server = server;
  }

  get inData(): boolean {
    return this.#data !== null;
  }

  /** A line of a mail; the reply after its last one. */
  content(line: string): string | null {
    if (line !== '.') {
      this.#data?.push(line.startsWith('.') ? line.slice(1) : line);
      return null;
    }
    const mail = { from: this.#from, to: this.#to, content: (this.#data ?? []).join('\n') };
    this.#server.mails.push(mail);
    this.#data = null;
    this.#to = [];
    return '250 2.0.0 queued as 1';
  }

  command(line: string): string {
    const verb = line.slice(0, 4).toUpperCase();
    switch (verb) {
      case 'EHLO':
        return ['mail.example', ...this.#server.extensions]
          .map((text, at, all) => `250${at === all.length - 1 ? ' ' : '-'}${text}`)
          .join(CRLF);
      case 'AUTH':
        return '235 2.7.0 welcome';
      case 'MAIL':
        this.#from = /<([^>]*)>/.exec(line)?.[1] ?? '';
        return '250 2.1.0 ok';
      case 'RCPT':
        this.#to.push(/<([^>]*)>/.exec(line)?.[1] ?? '');
        return '250 2.1.5 ok';
      case 'DATA':
        this.#data = [];
        return '354 go on';
      case 'QUIT':
        return '221 2.0.0 bye';
      default:
        return '250 2.0.0 ok';
    }
  }
}

/** Starts one on a free port of the loopback interface; `extensions` are offered after EHLO. */
export async function openSmtpServer(extensions: readonly string[] = []): Promise<SmtpServer> {
  const mails: Mail[] = [];
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  let answer: (command: string) => string | null = () => null;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    const say = (text: string | null): void => {
      if (text !== null && text !== 'hang') socket.write(text + CRLF);
    };
    const conversation = new Conversation({ mails, extensions });
    let rest = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split(CRLF);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (conversation.inData) {
          say(conversation.content(line));
          continue;
        }
        commands.push(line);
        say(answer(line) ?? conversation.command(line));
      }
    });
    say(answer('CONNECT') ?? '220 mail.example ESMTP');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    commands,
    behave(next) {
      answer = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
