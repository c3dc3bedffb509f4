// Socket.IO: rooms and io.to(room).emit(), over WebSocket only.
const { createServer } = require('http');
const { Server } = require('socket.io');

const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false });

io.on('connection', (socket) => {
  const { room } = socket.handshake.query;
  socket.join(room);
  socket.on('message', (text) => io.to(room).emit('message', text));
});

http.listen(Number(process.argv[2]), '127.0.0.1');
