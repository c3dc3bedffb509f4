/** What threads say, by language. */
export const TEXTS = {
  en: { "threads.title": "Threads", "threads.all": "Threads", "threads.open": "Open thread", "threads.replies": { one: "One reply", other: "{count} replies" }, "threads.new": { one: "one new", other: "{count} new" },
    "threads.follow": "Follow", "threads.following": "Following", "threads.reply": "Reply in this thread", "threads.send": "Send", "threads.more": "Show older replies", "threads.gone": "This message was deleted.",
    "threads.none": "You follow no thread. Reply to a message, and you do.", "threads.count": { one: "Threads, one has news", other: "Threads, {count} have news" }, "threads.file": "a file", "threads.load": "Show more" },
  "zh-Hant": { "threads.title": "討論串", "threads.all": "討論串", "threads.open": "打開討論串", "threads.replies": "{count} 則回覆", "threads.new": "{count} 則新的", "threads.follow": "追蹤", "threads.following": "追蹤中",
    "threads.reply": "在討論串中回覆", "threads.send": "傳送", "threads.more": "顯示更早的回覆", "threads.gone": "這則訊息已刪除。", "threads.none": "你沒有追蹤討論串。回覆一則訊息就會追蹤。", "threads.count": "討論串，{count} 個有新消息",
    "threads.file": "檔案", "threads.load": "顯示更多" },
  "zh-Hans": { "threads.title": "话题", "threads.all": "话题", "threads.open": "打开话题", "threads.replies": "{count} 条回复", "threads.new": "{count} 条新的", "threads.follow": "关注", "threads.following": "已关注",
    "threads.reply": "在话题中回复", "threads.send": "发送", "threads.more": "显示更早的回复", "threads.gone": "这条消息已删除。", "threads.none": "你没有关注话题。回复一条消息就会关注。", "threads.count": "话题，{count} 个有新消息",
    "threads.file": "文件", "threads.load": "显示更多" },
};
