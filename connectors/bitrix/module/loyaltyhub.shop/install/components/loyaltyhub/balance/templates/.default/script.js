/* Everything of the buyer is asked for here, after the page was loaded: pages may be cached. */
(function () {
  'use strict';

  // The shop itself did not answer, or refused.
  var AWAY = { trouble: 'away' };

  function ask(action, data) {
    return BX.ajax.runComponentAction('loyaltyhub:balance', action, { mode: 'class', data: data || {} })
      .then(function (answer) { return answer.data; });
  }

  function add(parent, tag, text) {
    var made = document.createElement(tag);
    made.textContent = text;
    parent.appendChild(made);
    return made;
  }

  function field(box, label, button, act) {
    var input = add(box, 'input', '');
    input.placeholder = label;
    input.setAttribute('aria-label', label);
    var press = add(box, 'button', button);
    press.type = 'button';
    press.onclick = function () { act(input.value); };
  }

  function draw(box, told) {
    var texts = JSON.parse(box.dataset.texts);
    function act(name, data) {
      ask(name, data).then(function (answer) {
        draw(box, answer.earn === undefined ? told : answer);
        // The checkout calculates anew where the stock template is used.
        if (BX.Sale && BX.Sale.OrderAjaxComponent) {
          BX.Sale.OrderAjaxComponent.sendRequest();
        }
      }, failed);
    }
    // What can be done stays on the page, to be tried again.
    function failed() {
      draw(box, told);
      add(box, 'p', texts.away);
    }
    box.textContent = '';
    if (told.earn === null || told.earn === undefined) {
      if (told.trouble) { add(box, 'p', texts.away); }
      return;
    }
    if (told.known) { add(box, 'p', texts.balance + ' ' + told.balance); }
    if (told.earn > 0) { add(box, 'p', texts.earn + ' ' + told.earn); }
    if (told.spent > 0) { add(box, 'p', texts.spent + ' ' + told.spent); }
    field(box, texts.spend + ' (' + told.most + ')', texts.spend, function (points) { act('setPoints', { points: points }); });
    var all = add(box, 'button', texts.max);
    all.type = 'button';
    all.onclick = function () { act('setPoints', { points: 'max' }); };
    field(box, texts.code, texts.code, function (code) { act('addCode', { code: code }); });
    (told.codes || []).forEach(function (one) {
      var drop = add(box, 'button', one.code + (one.why ? ': ' + one.why : '') + ' \u00d7');
      drop.type = 'button';
      drop.onclick = function () { act('dropCode', { code: one.code }); };
    });
    if (told.needs_code) {
      var send = add(box, 'button', texts.send);
      send.type = 'button';
      send.onclick = function () { ask('sendCode').then(null, failed); };
      field(box, texts.confirm, texts.confirm, function (code) { act('confirm', { code: code }); });
    }
  }

  BX.ready(function () {
    document.querySelectorAll('.loyaltyhub-balance').forEach(function (box) {
      ask('getBalance').then(function (told) { draw(box, told); }, function () { draw(box, AWAY); });
      if (box.dataset.product !== '0') { ask('seen', { product: box.dataset.product }).then(null, function () {}); }
    });
  });
})();
